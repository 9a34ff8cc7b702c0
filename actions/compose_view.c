#include "actions/compose_view.h"

void compose_view_close(struct compose_view *view)
{
    (void)view;
}
