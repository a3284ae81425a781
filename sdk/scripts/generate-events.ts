import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { eventPage } from "./eventPage.ts"

writeFileSync(join(import.meta.dirname, "../../docs/reference/events.md"), eventPage())
