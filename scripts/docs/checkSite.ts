import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** Parts of HTML and CSS that make a browser send a request. A link that a reader has to click isn't one. */
const requests =
  /<(?:script|img|iframe|source|video|audio|embed|object)\b[^>]*?\s(?:src|data|srcset)="((?:https?:)?\/\/[^"]+)"|<link\b[^>]*?\shref="((?:https?:)?\/\/[^"]+)"|url\(["']?((?:https?:)?\/\/[^)"']+)|@import\s+["']((?:https?:)?\/\/[^"']+)/g

/** URLs of other hosts that a browser requests when it shows this HTML or CSS. */
export const requestsIn = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(requests)].map((match) => match[1] ?? match[2] ?? match[3] ?? match[4] ?? "")

/** Problems of a built site: it lacks pages, or its pages send requests to another host. */
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
