import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises"
import { createServer as createHttpServer } from "node:http"
import { createServer } from "node:https"
import type { AddressInfo, Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { privateAuthority } from "../../../../../sdk/test/testProxy.ts"
import { problemOf, resolveTest } from "../../../../test/images/testImages.ts"
import { digestOf, types } from "../../../../test/registry/pushImage.ts"
import { certificateProblem } from "./certificateProblem.ts"
import { makeRegistryAuthorities } from "./registryAuthorities.ts"

const config = JSON.stringify({ os: "linux", architecture: "amd64", config: { User: "1" } })
const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: types.manifest,
  config: { mediaType: types.config, digest: digestOf(config), size: config.length },
  layers: []
})

const listen = (server: Server) =>
  new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port))
  })

describe("a registry whose certificate isn't trusted", () => {
  const known = privateAuthority("127.0.0.1")
  const elsewhere = privateAuthority("registry.test")
  const servers: Array<ReturnType<typeof createServer> | ReturnType<typeof createHttpServer>> = []
  let folder: string
  let host: string
  let options: { privateRegistries: Array<string>; certificateFolders: Array<string> }
  const registry = async ({ cert, key }: { readonly cert: string; readonly key: string }) => {
    const server = createServer({ cert, key }, (request, response) => {
      if (request.method === "HEAD") response.setHeader("docker-content-digest", digestOf(manifest)).end()
      else response.end(request.url?.includes("/blobs/") === true ? config : manifest)
    })
    servers.push(server)
    return `127.0.0.1:${await listen(server)}`
  }
  const trust = async (at: string, file: string) => {
    await mkdir(join(folder, at), { recursive: true })
    await copyFile(file, join(folder, at, "ca.crt"))
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "certs-"))
    host = await registry(known.tls)
    options = { privateRegistries: [host], certificateFolders: [folder] }
  })
  afterAll(async () => {
    for (const server of servers) {
      server.closeAllConnections()
      server.close()
    }
    known.remove()
    elsewhere.remove()
    await rm(folder, { recursive: true, force: true })
  })

  it("names the file for its authority, and is trusted once that exists", async () => {
    const problem = await problemOf(`${host}/team/app:1`, options)
    expect(problem).toMatch(/^RegistryUntrusted: /)
    expect(problem).toContain(`/etc/containers/certs.d/${host}/ca.crt`)
    expect(problem).not.toContain("is unreachable")
    await trust(host, known.file)
    const { images, problems } = await resolveTest([`${host}/team/app:1`], options)
    expect(problems).toEqual([])
    expect(images.size).toBe(1)
  })

  it("is distinguished from one with another name, and from one without TLS", async () => {
    const other = await registry(elsewhere.tls)
    await trust(other, elsewhere.file)
    const renamed = await problemOf(`${other}/team/app:1`, { ...options, privateRegistries: [other] })
    expect(renamed).toMatch(/^RegistryUntrusted: .*another name/)

    const plain = createHttpServer((_, response) => response.end())
    servers.push(plain)
    const at = `127.0.0.1:${await listen(plain)}`
    const spoken = await problemOf(`${at}/team/app:1`, { ...options, privateRegistries: [at] })
    expect(spoken).toContain(`MAXCLOUD_INSECURE_REGISTRIES=${at}`)
    expect(spoken).not.toContain("RegistryUntrusted")
  })

  it("is described in words for each code of TLS", () => {
    expect(certificateProblem("CERT_HAS_EXPIRED", "r.test")?.message).toContain("has expired")
    expect(certificateProblem("CERT_NOT_YET_VALID", "r.test")?.message).toContain("not valid yet")
    expect(certificateProblem("CERT_REVOKED", "r.test")?.message).toMatch(/^RegistryUntrusted: /)
    for (const code of ["ECONNREFUSED", "EPROTO", "ERR_SSL_WRONG_VERSION_NUMBER"])
      expect(certificateProblem(code, "r.test")).toBeUndefined()
  })

  it("is looked up in no other folder, however a tenant writes its host", async () => {
    const authorities = makeRegistryAuthorities([join(folder, "inner")])
    for (const host of ["..", ".", "../x", "a/../..", "", "[::1]:5000", "a\0b"])
      expect(await authorities(host)).toBeUndefined()
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 20 }), async (tail) => {
        expect(await authorities(`../${tail}`)).toBeUndefined()
      }),
      { numRuns: 300 }
    )
  })
})
