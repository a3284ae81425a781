import { createHash, randomBytes } from "node:crypto"
import { createServer } from "node:http"
import { tarOf } from "./tar.ts"

export interface TestNpmRegistry {
  readonly url: string
  /** The integrity of `greeting@1.0.0`'s tarball, as in lockfiles. */
  readonly integrity: string
  readonly tarball: string
  /** Requested paths. */
  readonly requests: Array<string>
  readonly close: () => Promise<void>
}

/** npm refuses a package whose archive is a thousand times smaller than its content. */
const incompressible = (bytes: number) =>
  randomBytes(2 ** 16)
    .toString("hex")
    .repeat(Math.ceil(bytes / 2 ** 17))
    .slice(0, bytes)

/**
 * An npm registry on loopback with one package, `greeting@1.0.0`, whose install script writes its environment to
 * `environment.json`. Its file `padding` has this many bytes.
 */
export const startTestNpmRegistry = async (padding = 0): Promise<TestNpmRegistry> => {
  const manifest = {
    name: "greeting",
    version: "1.0.0",
    main: "index.js",
    scripts: { install: "node -e \"require('fs').writeFileSync('environment.json', JSON.stringify(process.env))\"" }
  }
  const archive = tarOf([
    { path: "package/index.js", content: 'module.exports = "hello"\n' },
    { path: "package/package.json", content: JSON.stringify(manifest) },
    ...(padding === 0 ? [] : [{ path: "package/padding", content: incompressible(padding) }])
  ])
  const integrity = `sha512-${createHash("sha512").update(archive).digest("base64")}`
  const requests: Array<string> = []
  const server = createServer((request, response) => {
    requests.push(request.url ?? "")
    if (request.url?.endsWith(".tgz")) return response.end(archive)
    if (request.url !== "/greeting") return response.writeHead(404, { "content-type": "application/json" }).end("{}")
    const version = { ...manifest, hasInstallScript: true, dist: { tarball, integrity } }
    response.setHeader("content-type", "application/json")
    response.end(JSON.stringify({ name: "greeting", "dist-tags": { latest: "1.0.0" }, versions: { "1.0.0": version } }))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("the registry doesn't listen on a port")
  const url = `http://127.0.0.1:${address.port}/`
  const tarball = `${url}greeting/-/greeting-1.0.0.tgz`
  return {
    url,
    integrity,
    tarball,
    requests,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}
