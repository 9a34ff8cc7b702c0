/* The console as the operator's browser would meet it: from this machine, not through the target;
 * no proxy; every certificate verified, no question asked. A redirect is followed to the same https
 * origin only, a few times: what another host answers says nothing of this one. */
#include "actions/checklist/check.h"

#include <string.h>
#include <strings.h>

#include "actions/target/http.h"

enum { REDIRECTS_MAX = 4 };

/* One GET; where there is nothing to judge, the answer is given here. */
static enum error_code fetch_page(struct check *check, struct http_reply *reply,
                                  struct error *error)
{
    const struct setup_check *item = check->item;
    CLEANUP_BYTES struct bytes token = {0};
    struct http_place place = {.tls = false};
    if (item->url[0] == '\0')
        return check_no_setting(check, "url", error);
    if (!http_place_of(item->url, &place) || place.user)
        return check_say(check, PREFLIGHT_FAILED, error,
                         "url %s: write https://host/path, without a user name",
                         place.user ? "has a user name" : item->url);
    if (!place.tls)
        return check_say(check, PREFLIGHT_FAILED, error, "url %s is not encrypted: write https://",
                         item->url);
    enum error_code code = item->kind == CHECK_DOWNLOAD ? check_token(check, &token, error)
                                                        : ERROR_OK;
    if (code != ERROR_OK || check->status != PREFLIGHT_INVALID)
        return code;
    struct http_request request = {.world = target_world(check->target),
                                   .url = item->url,
                                   .ca_file = item->ca_file,
                                   .bearer = token.size > 0 ? &token : NULL,
                                   .redirects_max = REDIRECTS_MAX,
                                   .truncate = true,
                                   .timeout_ms = item->within_ms};
    code = http_fetch(&request, reply, error);
    if (code != ERROR_OK)
        return code;
    if (reply->status == 0)
        return check_say(check, PREFLIGHT_FAILED, error, "%s: %s%s%s", item->url, reply->words,
                         reply->elsewhere[0] != '\0' ? " " : "",
                         check_foreign(check, reply->elsewhere));
    if (reply->status == 401 || reply->status == 403)
        return check_say(check, PREFLIGHT_FAILED, error,
                         "%s answers %d and not 200: it asks for another right%s", item->url,
                         reply->status,
                         item->kind == CHECK_DOWNLOAD ? " than token_file gives" : "");
    return reply->status == 200 ? ERROR_OK
                                : check_say(check, PREFLIGHT_FAILED, error,
                                            "%s answers %d and not 200", item->url, reply->status);
}

/* "text/html; charset=utf-8" is text/html. */
static bool begins_with_word(const char *value, const char *word)
{
    size_t length = strlen(word);
    return strncasecmp(value, word, length) == 0 && strchr("; \t", value[length]) != NULL;
}

/* Whether the text begins as a page does: behind blanks, comments and an XML line stands its
 * doctype or its first element. */
static bool is_html(const char *text)
{
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    for (;;) {
        text += strspn(text, " \t\r\n\f");
        const char *end = strncmp(text, "<!--", 4) == 0    ? strstr(text + 4, "-->")
                          : strncmp(text, "<?xml", 5) == 0 ? strstr(text, "?>")
                                                           : NULL;
        if (end == NULL)
            break;
        text = strchr(end, '>') + 1;
    }
    return strncasecmp(text, "<!doctype html", 14) == 0 || strncasecmp(text, "<html", 5) == 0;
}

enum error_code check_https(struct check *check, struct error *error)
{
    CLEANUP_REPLY struct http_reply reply = {0};
    const char *url = check->item->url;
    enum error_code code = fetch_page(check, &reply, error);
    if (code != ERROR_OK || check->status != PREFLIGHT_INVALID)
        return code;
    if (!begins_with_word(reply.type, "text/html"))
        return check_say(check, PREFLIGHT_FAILED, error,
                         "%s gives %s and not text/html: is this the console?", url,
                         reply.type[0] != '\0' ? check_foreign(check, reply.type)
                                               : "no Content-Type");
    if (!is_html((const char *)reply.body.data))
        return check_say(check, PREFLIGHT_FAILED, error, "%s says text/html, but its body is %s",
                         url, reply.body.size > 0 ? "no HTML" : "empty");
    if (check->item->text[0] != '\0'
        && strstr((const char *)reply.body.data, check->item->text) == NULL)
        return check_say(check, PREFLIGHT_FAILED, error, "%s is a page without `%s` (text)", url,
                         check->item->text);
    return check_say(check, PREFLIGHT_PASSED, error,
                     "%s answers 200 with HTML, its certificate verified", url);
}

enum error_code check_download(struct check *check, struct error *error)
{
    CLEANUP_REPLY struct http_reply reply = {0};
    const char *url = check->item->url;
    enum error_code code = fetch_page(check, &reply, error);
    if (code != ERROR_OK || check->status != PREFLIGHT_INVALID)
        return code;
    if (!begins_with_word(reply.disposition, "attachment"))
        return check_say(check, PREFLIGHT_FAILED, error,
                         "%s is no download: its Content-Disposition is %s and not attachment", url,
                         reply.disposition[0] != '\0' ? check_foreign(check, reply.disposition)
                                                      : "absent");
    if (reply.body.size == 0)
        return check_say(check, PREFLIGHT_FAILED, error, "%s is an attachment without content",
                         url);
    return check_say(check, PREFLIGHT_PASSED, error, "%s is an attachment with content", url);
}
