/** Writes `src/static/program.ts`: the server of static sites with its imports, as one text. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { staticServerProgram } from "./staticServerProgram.ts"

const { text } = await staticServerProgram()
writeFileSync(join(import.meta.dirname, "..", "src", "static", "program.ts"), text)
