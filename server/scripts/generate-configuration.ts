import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { configurationPage } from "../src/base/settings/configurationPage.ts"

writeFileSync(join(import.meta.dirname, "../../docs/reference/configuration.md"), configurationPage())
