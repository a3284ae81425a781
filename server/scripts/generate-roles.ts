import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { rolesPage } from "../src/tenancy/access/rolesPage.ts"

writeFileSync(join(import.meta.dirname, "../../docs/reference/roles.md"), rolesPage())
