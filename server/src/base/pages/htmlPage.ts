import { createHash } from "node:crypto"
import { HttpServerResponse } from "@effect/platform"
import { escapeHtml } from "./escapeHtml.ts"

const style = `
:root{color-scheme:light dark;--ink:#1c1e21;--soft:#5b6169;--line:#dde0e4;--edge:#767c85;--paper:#fff;--panel:#f6f7f9;--accent:#0b5cad;--on-accent:#fff;--wrong:#b3261e}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#9aa1ab;--line:#33383f;--edge:#7f8792;--paper:#15171a;--panel:#1d2025;--accent:#7ab7ff;--on-accent:#0d1420;--wrong:#ff9a90}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:2rem 1.25rem 4rem;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
a{color:var(--accent)}h1{margin:0 0 .25rem;font-size:1.6rem;line-height:1.25}h2{margin:2.5rem 0 .5rem;font-size:1.2rem}h3{margin:0;font-size:1rem}
code,pre{font-family:ui-monospace,monospace;font-size:.875em}
.soft{color:var(--soft)}
table{border-collapse:collapse;width:100%;font-size:.925rem}th,td{text-align:left;vertical-align:top;padding:.4rem .75rem .4rem 0;border-bottom:1px solid var(--line)}th{color:var(--soft);font-weight:500}
nav{display:flex;flex-wrap:wrap;gap:.25rem 1rem;margin:1rem 0}
article{border:1px solid var(--line);border-radius:.5rem;margin:.75rem 0}
article>*{padding:.6rem 1rem}article>header{background:var(--panel);border-radius:.5rem;display:flex;flex-wrap:wrap;gap:.25rem 1rem;align-items:baseline}
.method{font-weight:700;text-transform:uppercase;color:var(--accent);font-size:.8rem;min-width:3.5rem}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.narrow{max-width:34rem;overflow-wrap:anywhere}.brand{margin:0 0 1.5rem;font-weight:600;color:var(--soft)}
form{margin:1.25rem 0}form+form{margin-top:-.5rem}label{display:block;margin:.75rem 0;font-weight:500}
fieldset{margin:1.25rem 0;padding:0;border:0}legend{padding:0;font-weight:500}label.choice{display:flex;align-items:center;gap:.6rem;margin:.25rem 0;min-height:2.75rem;font-weight:400}
input[type=radio]{flex:none;width:1.25rem;height:1.25rem;margin:0;accent-color:var(--accent)}
input:not([type=radio]){display:block;width:100%;margin-top:.25rem;padding:.6rem .75rem;border:1px solid var(--edge);border-radius:.375rem;background:var(--paper);color:var(--ink);font:inherit}
input[aria-invalid]{border:2px solid var(--wrong)}
button{min-height:2.75rem;padding:.5rem 1.25rem;border:1px solid var(--accent);border-radius:.375rem;background:var(--accent);color:var(--on-accent);font:inherit;font-weight:500;cursor:pointer}
label+button{margin-top:.5rem}button.second{background:var(--paper);color:var(--accent)}
.problem{border-left:4px solid var(--wrong);padding:.5rem .75rem;background:var(--panel)}
.code{font-size:1.5rem;font-weight:600;letter-spacing:.1em}
details{border-top:1px solid var(--line)}summary{cursor:pointer}pre{overflow-x:auto;margin:.5rem 0 0}.narrow pre{padding:.6rem .75rem;border-radius:.375rem;background:var(--panel);white-space:pre-wrap}
`.trim()

const hash = createHash("sha256").update(style).digest("base64")

export interface PageOptions {
  /** @default en */
  readonly language?: "de" | "en"
  /** @default 200 */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Is it one of those with forms, which are sent to this server? They're a narrow column. */
  readonly forms?: boolean
}

/**
 * With the policy `no-referrer`, browsers send forms with "Origin: null", so a server couldn't recognize its own forms.
 */
const ownReferrer = '<meta name="referrer" content="same-origin">'

/** A page of our own: no scripts, no external resources, no framing. `body` is HTML. */
export const htmlPage = (
  title: string,
  body: string,
  { forms = false, headers, language = "en", status = 200 }: PageOptions = {}
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(
    `<!doctype html><html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">${forms ? ownReferrer : ""}<title>${escapeHtml(title)}</title><style>${style}</style></head><body${forms ? ' class="narrow"' : ""}>${forms ? '<header class="brand">max-cloud</header>' : ""}<main>${body}</main></body></html>`,
    {
      status,
      contentType: "text/html; charset=utf-8",
      headers: {
        "content-security-policy": `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action ${forms ? "'self'" : "'none'"}; frame-ancestors 'none'`,
        "cache-control": "no-store",
        ...headers
      }
    }
  )
