import { readFileSync } from "node:fs"
import { join } from "node:path"
import { onSite, rootPages } from "../../scripts/docs/siteLinks.ts"

const root = join(import.meta.dirname, "../..")

export default {
  paths: () =>
    Object.entries(rootPages).map(([file, page]) => ({
      params: { page },
      content: onSite(file, readFileSync(join(root, file), "utf8"))
    }))
}
