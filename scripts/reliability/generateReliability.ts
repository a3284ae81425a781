/** Regenerates the tables of docs/reliability.md and the picture of the soak. */
import { readFileSync, writeFileSync } from "node:fs"
import { pictureOf } from "../soak/picture.ts"
import { pageFile, pictureFile, readMeasured } from "./measured.ts"
import { renderPage } from "./page.ts"

const measured = readMeasured()
writeFileSync(pageFile, renderPage(readFileSync(pageFile, "utf8"), measured))
if (measured.soak !== undefined) writeFileSync(pictureFile, pictureOf(measured.soak))
