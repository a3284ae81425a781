/** Builds the documentation's site, serves it while you write (`-- dev`), or redraws its terminal pictures (`-- pictures`). */
import { join } from "node:path"
import { build, createServer } from "vitepress"
import { checkSite } from "./docs/checkSite.ts"
import { drawPictures } from "./docs/pictures.ts"
import { docsFolder } from "./docs/sidebar.ts"

const [task = "build"] = process.argv.slice(2)

const buildSite = async () => {
  await build(docsFolder)
  const folder = join(docsFolder, ".vitepress/dist")
  const problems = checkSite(folder)
  for (const problem of problems) console.error(`docs: ${problem}`)
  if (problems.length > 0) process.exit(1)
  console.log(`docs: the site is in ${folder}`)
}

const serve = async () => {
  const server = await createServer(docsFolder)
  await server.listen()
  server.printUrls()
}

const tasks: Readonly<Record<string, () => Promise<void>>> = { build: buildSite, dev: serve, pictures: drawPictures }

const chosen = tasks[task]
if (chosen === undefined) {
  console.error(`docs: unknown task "${task}". Use one of: ${Object.keys(tasks).join(", ")}`)
  process.exit(2)
}
await chosen()
