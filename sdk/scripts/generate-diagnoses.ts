import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { diagnosisPage } from "./diagnosisPage.ts"

const folder = join(import.meta.dirname, "../../docs/reference")
writeFileSync(join(folder, "diagnoses.md"), diagnosisPage("en"))
writeFileSync(join(folder, "diagnoses.de.md"), diagnosisPage("de"))
