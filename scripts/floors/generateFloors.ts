/** Regenerates the picture and the table of the server's floors in docs/architecture.md. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { pageFile, pictureFile } from "./files.ts"
import { pictureOf, renderPage } from "./picture.ts"

mkdirSync(dirname(pictureFile), { recursive: true })
writeFileSync(pictureFile, pictureOf())
writeFileSync(pageFile, renderPage(readFileSync(pageFile, "utf8")))
