import { expect, it } from "@effect/vitest"
import { Effect, Either } from "effect"
import { basesOf } from "./bases.ts"

const read = (flags: ReadonlyArray<string>, variable?: string) =>
  Effect.runSync(Effect.either(basesOf(flags, { MAXCLOUD_BUILD_BASE: variable })))
const found = (...given: Parameters<typeof read>) => {
  const of = Either.getOrThrow(read(...given))
  return [of("web"), of("api-2")]
}

it("takes one base for all services, and others for some", () => {
  expect(found([])).toEqual([undefined, undefined])
  expect(found(["mirror.example.com:5000/node:24"])).toEqual(Array(2).fill("mirror.example.com:5000/node:24"))
  expect(found(["a/node:24", "api-2=a/python:3.13-slim"])).toEqual(["a/node:24", "a/python:3.13-slim"])
  expect(found(["web=oci:base:v1"])).toEqual(["oci:base:v1", undefined])
})

it("reads the variable unless there are flags", () => {
  expect(found([], " a/node:24, api-2=a/python:3 ,")).toEqual(["a/node:24", "a/python:3"])
  expect(found(["b/node:24"], "api-2=a/python:3")).toEqual(["b/node:24", "b/node:24"])
})

it("refuses two bases for one service", () => {
  expect(read(["a/node:24", "b/node:24"])).toMatchObject({ left: { message: expect.stringContaining("all services") } })
  expect(read([], "web=a,web=b")).toMatchObject({
    left: { message: "MAXCLOUD_BUILD_BASE names two images for web: a and b" }
  })
})
