import { expect, it } from "@effect/vitest"
import type { ResolvedImage } from "@maxcloud/synth"
import { Either, Schema } from "effect"
import { StoredImages } from "./storedImages.ts"

it("are unchanged after a round trip through JSON", () => {
  const images: ReadonlyMap<string, ResolvedImage> = new Map([
    ["nginx", { reference: `docker.io/library/nginx@sha256:${"a1".repeat(32)}`, nonRoot: false, port: 80 }],
    ["ghcr.io/acme/private", { reference: "ghcr.io/acme/private@x", nonRoot: true, port: 80, needsCredentials: true }],
    ["dev.local/hello:1", { reference: "dev.local/hello:1", nonRoot: true, port: undefined }]
  ])
  const text = JSON.stringify(Schema.encodeSync(StoredImages)(images))
  expect(Schema.decodeUnknownSync(StoredImages)(JSON.parse(text))).toEqual(images)
  expect(Schema.decodeUnknownSync(StoredImages)({})).toEqual(new Map())
  expect(Either.isLeft(Schema.decodeUnknownEither(StoredImages)({ nginx: { reference: "" } }))).toBe(true)
})
