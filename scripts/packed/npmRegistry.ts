import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { basename } from "node:path"
import { Predicate } from "effect"

/** The package.json in a tarball. */
const manifestIn = (tarball: string): Readonly<Record<string, unknown>> => {
  const text = execFileSync("tar", ["-xzOf", tarball, "package/package.json"], { encoding: "utf8" })
  const manifest: unknown = JSON.parse(text)
  return Predicate.isReadonlyRecord(manifest) ? manifest : {}
}

/** A registry's response for a package with one version (npm's package metadata). */
const documentOf = (tarball: string, url: string) => {
  const manifest = manifestIn(tarball)
  const version = String(manifest["version"])
  const integrity = `sha512-${createHash("sha512").update(readFileSync(tarball)).digest("base64")}`
  const dist = { tarball: `${url}/-/${basename(tarball)}`, integrity }
  return {
    name: String(manifest["name"]),
    text: JSON.stringify({
      name: manifest["name"],
      "dist-tags": { latest: version },
      versions: { [version]: { ...manifest, dist } }
    })
  }
}

/** An npm registry on loopback with only these tarballs. Configure it only for their scope. */
export const startNpmRegistry = async (tarballs: ReadonlyArray<string>) => {
  const texts = new Map<string, string>()
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "/").slice(1)
    const tarball = tarballs.find((tarball) => path === `-/${basename(tarball)}`)
    const text = texts.get(path)
    if (tarball !== undefined) return response.end(readFileSync(tarball))
    if (text === undefined) return response.writeHead(404).end("{}")
    response.setHeader("content-type", "application/json")
    return response.end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address: AddressInfo | string | null = server.address()
  const url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`
  for (const { name, text } of tarballs.map((tarball) => documentOf(tarball, url))) texts.set(name, text)
  return { url, close: () => new Promise<void>((resolve) => void server.close(() => resolve())) }
}
