/* The page's style: light and dark, narrow and wide, screen and paper. No colour says anything that
 * a word beside it does not say. */
#include "verify/page/page.h"

static const char *const style[] = {
    ":root{color-scheme:light "
    "dark;--ink:#1b1f24;--dim:#4d5762;--paper:#fff;--card:#f5f6f8;--line:#c8ced6;--link:#0a4fa8;"
    "--good:#0f5c2e;--good-bg:#e3f4e8;--bad:#9b1c1c;--bad-bg:#fbe7e6;--open:#7a4a00;--open-bg:#"
    "fdf1d6;--none:#4d5762;--none-bg:#eceff2;"
    "--bar:#9db8dc;--work:#3d6aa8;--back:#d9a05b;--window:#dbe7f7;--limit:#9b1c1c}\n",
    "@media "
    "(prefers-color-scheme:dark){:root{--ink:#e6e9ee;--dim:#aab4c0;--paper:#14171b;--card:#1d2127;-"
    "-line:#3d4550;--link:#8cc0ff;"
    "--good:#7fdc9f;--good-bg:#12301d;--bad:#ff9d97;--bad-bg:#3b1716;--open:#f5c76b;--open-bg:#"
    "35280c;--none:#aab4c0;--none-bg:#262c34;"
    "--bar:#3a5272;--work:#7aa7e6;--back:#8a5f27;--window:#1c2a3d;--limit:#ff9d97}}\n",
    "*{box-sizing:border-box}html{scroll-padding-top:.5rem}body{margin:0;background:var(--paper);"
    "color:var(--ink);"
    "font:1rem/1.5 system-ui,-apple-system,\"Segoe UI\",\"Liberation "
    "Sans\",sans-serif;overflow-wrap:anywhere}\n"
    "header,main,footer,nav{max-width:75rem;margin:0 auto;padding:0 1rem}\n"
    "h1{font-size:1.6rem;line-height:1.25;margin:.25rem 0 .5rem}h2{font-size:1.3rem;margin:2.2rem "
    "0 .6rem;border-bottom:1px solid var(--line);padding-bottom:.2rem}"
    "h3{font-size:1.1rem;margin:1.6rem 0 .5rem}h4{font-size:1rem;margin:0 0 .3rem}p{margin:.4rem "
    "0}a{color:var(--link)}\n"
    "a:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:3px solid "
    "var(--link);outline-offset:2px}\n"
    ".skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--paper);"
    "padding:.3rem .6rem}\n",
    "code,pre,.mono{font-family:ui-monospace,\"DejaVu Sans Mono\",\"Liberation "
    "Mono\",monospace;font-size:.85em}\n"
    "pre{white-space:pre-wrap;margin:.2rem 0 .6rem;background:var(--card);border:1px solid "
    "var(--line);border-radius:4px;padding:.4rem .6rem}\n"
    ".verdict{border-left:.6rem solid;padding:.7rem 1rem;margin:1rem 0;border-radius:4px}.verdict "
    "p{color:var(--ink)}\n"
    ".proven{color:var(--good);background:var(--good-bg);border-color:var(--good)}.violated{color:"
    "var(--bad);background:var(--bad-bg);border-color:var(--bad)}"
    ".undecidable{color:var(--open);background:var(--open-bg);border-color:var(--open)}.none{color:"
    "var(--none);background:var(--none-bg);border-color:var(--none)}"
    "h1 .badge{font-size:1em;text-transform:uppercase;background:var(--paper);margin-left:.3rem}\n"
    ".badge{display:inline-block;border:1px solid;border-radius:1rem;padding:.05rem "
    ".6rem;font-size:.85rem;font-weight:600;white-space:nowrap}\n",
    ".claims{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,21rem),1fr));gap:."
    "8rem;list-style:none;padding:0;margin:0}\n"
    ".claim{border:1px solid var(--line);border-left-width:.4rem;border-radius:4px;padding:.6rem "
    ".8rem;background:var(--card);color:var(--ink);break-inside:avoid}\n"
    ".claim.proven{border-left-color:var(--good)}.claim.violated{border-left-color:var(--bad)}."
    "claim.undecidable{border-left-color:var(--open)}"
    ".claim.none{border-left-color:var(--none)}\n"
    ".claim "
    "h4{display:flex;flex-wrap:wrap;gap:.5rem;justify-content:space-between}.asks,.rests,.left-out,"
    ".facts dt,figcaption,.small{color:var(--dim);font-size:.9rem}\n"
    ".facts{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .8rem;margin:.5rem "
    "0}.facts dt,.facts dd{margin:0}\n"
    "nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1rem;list-style:none;padding:0;margin:.5rem 0}\n",
    ".scroll{overflow-x:auto;margin:.5rem "
    "0}table{border-collapse:collapse;width:100%;font-size:.9rem}caption{text-align:left;color:var("
    "--dim);padding:.2rem 0}\n"
    "th,td{border:1px solid var(--line);padding:.3rem "
    ".5rem;text-align:left;vertical-align:top}thead th{background:var(--card)}tbody "
    "th{font-weight:600;min-width:8.5rem;overflow-wrap:break-word}\n"
    "td pre{margin:0 0 .3rem}.wide{min-width:46rem}.tag{display:inline-block;border:1px "
    "solid;border-radius:3px;padding:0 .3rem;font-size:.8rem;margin-left:.2rem}\n"
    ".time{white-space:nowrap}details{margin:.3rem 0}summary{cursor:pointer;padding:.15rem "
    "0}.entry{border-bottom:1px solid var(--line)}"
    ".entry:target,.entry:has(:target){background:var(--card)}.inside{padding:0 0 .5rem 1rem}\n"
    ".legend{display:flex;flex-wrap:wrap;gap:.1rem 1.2rem;list-style:none;padding:0;margin:.3rem "
    "0}.legend svg{vertical-align:middle;margin-right:.2rem}\n",
    "figure{margin:0}.picture{min-width:56rem;width:100%;height:auto;display:block}.picture "
    "text{font:11px system-ui,\"Liberation "
    "Sans\",sans-serif;fill:var(--ink);paint-order:stroke;stroke:var(--paper);stroke-width:3px}"
    ".picture "
    ".dim{fill:var(--dim)}.bar{fill:var(--bar)}.work{fill:var(--work)}.backbar{fill:var(--back)}."
    "window{fill:var(--window)}\n"
    ".picture .edge{stroke:var(--limit);stroke-dasharray:5 "
    "3;stroke-width:1.5;fill:none}.rule{stroke:var(--line);stroke-width:1}.cut{stroke:var(--dim);"
    "stroke-dasharray:1 3}\n"
    ".span{stroke:var(--ink);stroke-width:1.5;fill:none}.good-mark{stroke:var(--good);fill:var(--"
    "good);stroke-width:1.6}.bad-mark{stroke:var(--bad);fill:none;stroke-width:2.2}"
    ".missing-mark{stroke:var(--open);fill:none;stroke-width:1.8}.ask-mark{stroke:var(--ink);fill:"
    "var(--paper);stroke-width:1.2}.armed-mark{stroke:none;fill:var(--work)}"
    ".disarmed-mark{stroke:var(--dim);fill:none;stroke-width:1.2}\n",
    /* What is wider than the screen says so; its caption stays within the screen while it is
     * scrolled. */
    "@media screen and (max-width:58rem){.scroll:has(.picture)::before{content:\"Wider than the "
    "screen: scroll sideways.\"}}\n"
    "@media screen and (max-width:48rem){.scroll:has(.wide)::before{content:\"Wider than the "
    "screen: scroll sideways.\"}.wide caption{position:sticky;left:0;width:calc(100vw - 3rem)}}\n"
    ".scroll::before{display:block;position:sticky;left:0;width:max-content;max-width:calc(100vw - "
    "3rem);color:var(--dim);font-size:.9rem;font-style:italic}\n"
    "@media (max-width:40rem){h1{font-size:1.3rem}.facts{grid-template-columns:1fr}.facts "
    "dd{margin-bottom:.3rem}}\n"
    "@media print{html{font-size:9.5pt}:root{color-scheme:light}nav,.skip,.legend "
    "svg{display:none}header,main,footer{max-width:none;padding:0}a{color:inherit;text-decoration:"
    "none}"
    ".picture,.wide{min-width:0}.scroll{overflow:visible}.verdict,.badge,.claim,.bar,.work{print-"
    "color-adjust:exact;-webkit-print-color-adjust:exact}"
    "h2,h3{break-after:avoid}tr,figure{break-inside:avoid}.words::details-content{content-"
    "visibility:visible;block-size:auto}}\n",
};

void page_style(FILE *stream)
{
    fputs("<style>\n", stream);
    for (size_t i = 0; i < sizeof style / sizeof style[0]; i++)
        fputs(style[i], stream);
    fputs("</style>\n", stream);
}

const char *page_verdict_class(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_PROVEN:
        return "proven";
    case VERDICT_VIOLATED:
        return "violated";
    case VERDICT_NOT_APPLICABLE:
        return "none";
    case VERDICT_INVALID:
    case VERDICT_NOT_PROVEN:
    case VERDICT_UNDECIDABLE:
        return "undecidable";
    }
    return "undecidable";
}

void page_verdict(FILE *stream, enum verdict verdict)
{
    const char *mark = verdict == VERDICT_PROVEN           ? "&#10003;"
                       : verdict == VERDICT_VIOLATED       ? "&#10007;"
                       : verdict == VERDICT_NOT_APPLICABLE ? "&#8211;"
                                                           : "?";
    fprintf(stream, "<span class=\"badge %s\"><span aria-hidden=\"true\">%s </span>%s</span>",
            page_verdict_class(verdict), mark, verdict_name(verdict));
}
