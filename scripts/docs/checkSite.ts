import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** What makes a browser ask a host, in HTML and in CSS. A link that a reader has to click isn't among them. */
const requests =
  /<(?:script|img|iframe|source|video|audio|embed|object)\b[^>]*?\s(?:src|data|srcset)="((?:https?:)?\/\/[^"]+)"|<link\b[^>]*?\shref="((?:https?:)?\/\/[^"]+)"|url\(["']?((?:https?:)?\/\/[^)"']+)|@import\s+["']((?:https?:)?\/\/[^"']+)/g

/** Hosts that a page of HTML or a style sheet asks while it is shown. */
export const requestsIn = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(requests)].map((match) => match[1] ?? match[2] ?? match[3] ?? match[4] ?? "")

/** What is wrong with a built site: it's empty, or its pages would ask another host for something. */
export const checkSite = (folder: string): ReadonlyArray<string> => {
  const files = globSync("**/*.{html,css,svg}", { cwd: folder })
  const pages = files.filter((file) => file.endsWith(".html"))
  return [
    ...(pages.length < 30 ? [`only ${pages.length} pages were built`] : []),
    ...files.flatMap((file) =>
      requestsIn(readFileSync(join(folder, file), "utf8")).map((url) => `${file} makes browsers ask ${url}`)
    )
  ]
}
