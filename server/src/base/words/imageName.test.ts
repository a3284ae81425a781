import { describe, expect, it } from "@effect/vitest"
import { ImageReference } from "@maxcloud/config-schema"
import { Either, Schema } from "effect"
import * as fc from "fast-check"
import {
  apiHostOf,
  namesRegistry,
  parseImageName,
  pinnedReference,
  RegistryHosts,
  writeImageName
} from "./imageName.ts"

const digest = `sha256:${"a1".repeat(32)}`

const word = fc.stringMatching(/^[a-z0-9]{1,8}$/)
const component = fc
  .tuple(word, fc.array(fc.tuple(fc.constantFrom(".", "_", "__", "-", "--"), word), { maxLength: 2 }))
  .map(([first, rest]) => first + rest.map(([separator, next]) => separator + next).join(""))
const label = fc.stringMatching(/^[a-z]([-a-z0-9]{0,6}[a-z0-9])?$/)
const host = fc.oneof(
  fc.constant("localhost"),
  fc.tuple(label, label).map((generated) => generated.join(".")),
  fc.tuple(label, fc.integer({ min: 1, max: 65_535 })).map((generated) => generated.join(":")),
  fc.ipV4()
)
const tag = fc.stringMatching(/^\w[\w.-]{0,20}$/)
const path = fc.array(component, { minLength: 1, maxLength: 3 }).map((generated) => generated.join("/"))

describe("image references", () => {
  it("are read as Docker reads them", () => {
    const hub = { registry: "docker.io", tag: "latest", digest: undefined }
    const cases = {
      nginx: { ...hub, repository: "library/nginx" },
      "nginx:1.27": { ...hub, repository: "library/nginx", tag: "1.27" },
      "acme/app": { ...hub, repository: "acme/app" },
      "docker.io/nginx": { ...hub, repository: "library/nginx" },
      "index.docker.io/library/nginx": { ...hub, repository: "library/nginx" },
      "registry-1.docker.io/acme/app": { ...hub, repository: "acme/app" },
      [`nginx@${digest}`]: { ...hub, repository: "library/nginx", tag: undefined, digest },
      [`nginx:1@${digest}`]: { ...hub, repository: "library/nginx", tag: "1", digest },
      "localhost/app": { registry: "localhost", repository: "app", tag: "latest", digest: undefined },
      "localhost:5000/a/b:c": { registry: "localhost:5000", repository: "a/b", tag: "c", digest: undefined },
      "ghcr.io/a/b/c:V1.0_x": { registry: "ghcr.io", repository: "a/b/c", tag: "V1.0_x", digest: undefined },
      "127.0.0.1:5000/a": { registry: "127.0.0.1:5000", repository: "a", tag: "latest", digest: undefined },
      "GHCR.io/a": { registry: "ghcr.io", repository: "a", tag: "latest", digest: undefined },
      "dev.local/hello:1": { registry: "dev.local", repository: "hello", tag: "1", digest: undefined }
    }
    for (const [written, image] of Object.entries(cases))
      expect([written, parseImageName(written)]).toEqual([written, image])
  })

  it("are refused if they're invalid", () => {
    const wrong = ["", "a b", "Nginx", "ghcr.io/", "/nginx", "a//b", "nginx:", "nginx:-x", "nginx@sha256:12", "a/../b"]
    const hosts = [
      "-a.b/c",
      "a..b/c",
      ".a/c",
      "a.b:0/c",
      "a.b:65536/c",
      "a.b:/c",
      "user@a.b/c",
      "a.b:1:2/c",
      "[::1]:80/c"
    ]
    for (const written of [...wrong, ...hosts, `a.b/${"x".repeat(256)}`, `${"x.".repeat(130)}y/a`]) {
      expect([written, parseImageName(written)]).toEqual([written, undefined])
    }
  })

  it("are the same when read back from their full form", () => {
    const parts = fc.record({
      registry: host,
      repository: path,
      tag: fc.option(tag, { nil: undefined }),
      digest: fc.option(fc.constant(digest), { nil: undefined })
    })
    fc.assert(
      fc.property(parts, (image) => {
        const whole = { ...image, tag: image.tag ?? (image.digest === undefined ? "latest" : undefined) }
        expect(parseImageName(writeImageName(whole))).toEqual(whole)
        expect(parseImageName(pinnedReference(whole, digest))).toEqual({ ...whole, tag: undefined, digest })
      }),
      { numRuns: 300 }
    )
  })

  it("never lead outside of their registry's API, whatever a config contains", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."ab.:/@-_A%?#\\ [") })), (written) => {
        const image = parseImageName(written)
        if (image === undefined) return
        const host = apiHostOf(image.registry)
        const url = new URL(`https://${host}/v2/${image.repository}/manifests/${image.tag ?? image.digest}`)
        expect([url.username, url.search, url.hash]).toEqual(["", "", ""])
        expect(url.pathname.startsWith(`/v2/${image.repository}/manifests/`)).toBe(true)
      }),
      { numRuns: 2000 }
    )
  })

  it("are accepted by the config's schema if they're readable here, and read the same when pinned", () => {
    fc.assert(
      fc.property(fc.tuple(fc.option(host, { nil: undefined }), path, fc.option(tag, { nil: undefined })), (parts) => {
        const [host, path, tag] = parts
        const written = `${host === undefined ? "" : `${host}/`}${path}${tag === undefined ? "" : `:${tag}`}`
        const image = parseImageName(written)
        // In "0_a.b/c" the first part is an invalid host.
        if (image === undefined && host === undefined) return
        if (image === undefined) throw new Error(written)
        expect(Either.isRight(Schema.decodeUnknownEither(ImageReference)(written))).toBe(true)
        expect(Either.isRight(Schema.decodeUnknownEither(ImageReference)(pinnedReference(image, digest)))).toBe(true)
      })
    )
  })
})

it("registries in settings match all their ports, or just one", () => {
  const hosts = new Set(["localhost", "a.example:5000"])
  const named = ["localhost", "localhost:1", "a.example:5000", "a.example", "a.example:1", "b.localhost"]
  expect(named.map((value) => namesRegistry(hosts, value))).toEqual([true, true, true, false, false, false])
  expect(Either.isRight(Schema.decodeUnknownEither(RegistryHosts)(["localhost", "a.b:5000"]))).toBe(true)
  for (const wrong of ["https://a.b", "a.b/c", "10.0.0.0/8", ""]) {
    expect(Either.isLeft(Schema.decodeUnknownEither(RegistryHosts)([wrong]))).toBe(true)
  }
})
