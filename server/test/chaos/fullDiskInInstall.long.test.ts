import { rmSync, statfsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { makeProject } from "../../../scripts/soak/sources.ts"
import { startTestNpmRegistry } from "../sources/testNpmRegistry.ts"
import { afterwards, faultServer, hasMounts, host, mountDisk, rejection } from "./faultServer.ts"
import { recordFault } from "./recordFault.ts"

/** The size of the package. npm stores its archive, and then unpacks it. */
const paddingBytes = 64 * 2 ** 20

describe.skipIf(!hasMounts)("a disk that fills up while dependencies are installed", () => {
  it("fails the deployment, and leaves nothing that a later one would use", { timeout: 300_000 }, async () => {
    const registry = await startTestNpmRegistry(paddingBytes)
    afterwards(registry.close)
    const project = makeProject(registry)
    afterwards(project.remove)
    const { writeVersion } = project
    writeVersion(1)
    writeFileSync(
      join(project.folder, "server.js"),
      `const { statSync } = require("node:fs")
require("node:http").createServer((_, response) => response.end(String(statSync("node_modules/greeting/padding").size))).listen(process.env.PORT)`
    )
    // The low-water mark would stop the build earlier: here npm itself must hit the end of the disk.
    const server = await faultServer({ npm_config_registry: registry.url, MAXCLOUD_MIN_FREE_DISK: "1Mi" })
    mountDisk(server.dataDirectory, 900)
    await server.start()
    const ballast = join(server.dataDirectory, "ballast")
    const { bavail, bsize } = statfsSync(server.dataDirectory)
    writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - paddingBytes)))
    const app = { app: "app", services: [{ name: "app", source: project.folder }] }
    const words = await rejection(server.client.deploy(app))
    expect(words ?? "").toMatch(/disk/i)
    rmSync(ballast)
    await server.client.deploy(app)
    expect(await server.ask(host)).toStrictEqual({ status: 200, body: String(paddingBytes) })
    recordFault(import.meta.filename, {
      fault: "The disk fills up while dependencies are installed",
      seen: `the deployment fails: “${words?.split("\n").find((line) => /disk/i.test(line))}”`,
      recovery: "by the next `maxcloud deploy`: the partial installation isn't used",
      seconds: null
    })
  })
})
