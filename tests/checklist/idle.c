/* What the containers of the checklist's tests run: nothing. Static, so that it is an image by
 * itself. */
#include <unistd.h>

int main(void)
{
    for (;;)
        (void)pause();
}
