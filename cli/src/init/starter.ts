import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { lockfileNames } from "@maxcloud/config-schema"

/** A small first service in its own folder, so that others can be added beside it. */
export const starterFolder = "web"

const packageFile = `${JSON.stringify(
  { name: starterFolder, private: true, type: "module", scripts: { start: "node server.js" } },
  null,
  2
)}
`

const serverFile = `import { createServer } from "node:http"

const where = process.env.STAGE === undefined ? "" : \` in \${process.env.STAGE}\`
const server = createServer((request, response) => {
  response.setHeader("content-type", "text/plain; charset=utf-8")
  response.end(\`Hello from \${process.env.K_REVISION}\${where}\\n\`)
})
server.listen(Number(process.env.PORT), () => console.log(\`listening on \${process.env.PORT}\`))
process.on("SIGTERM", () => server.close())
`

/** The files, by their paths in the folder. */
export const starterFiles: ReadonlyArray<readonly [string, string]> = [
  [`${starterFolder}/package.json`, packageFile],
  [`${starterFolder}/server.js`, serverFile]
]

/** Files that a folder may contain and still count as empty, such as a new repository's. */
const negligible = new Set([
  ...["node_modules", "package.json", "tsconfig.json"],
  ...["README", "README.md", "LICENSE", "LICENSE.md", "LICENSE.txt"],
  ...lockfileNames
])

/** The package.json that `npm init` writes has nothing to start. */
const startsNothing = async (folder: string): Promise<boolean> => {
  const text = await readFile(join(folder, "package.json"), "utf8").catch(() => "{}")
  return !/"(?:start|build|workspaces)"\s*:/.test(text)
}

/** Whether the folder has nothing yet that could be a service. */
export const isEmptyFolder = async (folder: string): Promise<boolean> =>
  (await readdir(folder)).every((text) => text.startsWith(".") || negligible.has(text)) && (await startsNothing(folder))
