import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TestNpmRegistry } from "../../server/test/sources/testNpmRegistry.ts"

/** Logs a line for each request, and echoes bytes on an upgraded connection. */
const program = `const server = require("node:http").createServer(({ url }, response) => {
  console.log("asked for " + url)
  response.end(require("./made.json").version)
})
server.on("upgrade", (request, socket) => {
  socket.on("error", () => {})
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: echo\\r\\n\\r\\n")
  socket.pipe(socket)
})
server.listen(process.env.PORT)
process.on("SIGTERM", () => server.close(() => process.exit(0)))`

const lockfile = ({ integrity, tarball }: TestNpmRegistry) => ({
  name: "app",
  version: "1.0.0",
  lockfileVersion: 3,
  packages: {
    "": { name: "app", version: "1.0.0", dependencies: { greeting: "1.0.0" } },
    "node_modules/greeting": { version: "1.0.0", resolved: tarball, integrity, hasInstallScript: true }
  }
})

/** A project with a locked dependency, which the server installs once, and a build, which it runs for each version. */
export const makeProject = (registry: TestNpmRegistry) => {
  const folder = mkdtempSync(join(tmpdir(), "maxcloud-source-"))
  chmodSync(folder, 0o755)
  const write = (name: string, content: unknown) =>
    writeFileSync(join(folder, name), typeof content === "string" ? content : JSON.stringify(content))
  const build = `require("fs").writeFileSync("made.json", JSON.stringify({ version: require("greeting") + require("./version.json") }))`
  write("package.json", {
    name: "app",
    version: "1.0.0",
    dependencies: { greeting: "1.0.0" },
    scripts: { build: "node build.js", start: "node server.js" }
  })
  write("package-lock.json", lockfile(registry))
  write("build.js", build)
  write("server.js", program)
  return {
    folder,
    writeVersion: (version: number) => write("version.json", version),
    remove: () => rmSync(folder, { recursive: true, force: true })
  }
}
