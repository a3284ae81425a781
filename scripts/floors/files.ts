import { join } from "node:path"

const docs = join(import.meta.dirname, "../../docs")

export const pageFile = join(docs, "architecture.md")
export const pictureFile = join(docs, "pictures/floors.svg")
