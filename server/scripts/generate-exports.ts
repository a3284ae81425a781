import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { exportPage } from "../src/control/privacy/exportPage.ts"

writeFileSync(join(import.meta.dirname, "../../docs/reference/exports.md"), exportPage())
