import { describe, expect, it } from "@effect/vitest"
import { InvalidRequest } from "@maxcloud/sdk/api"
import { reportOf } from "./report.ts"

const types = { pointer: "/types/0", code: "invalid_value", detail: '"x" isn\'t a type of event.' }
const url = { pointer: "/url", code: "invalid_value", detail: "The URL needs https." }

describe("the report of an invalid request", () => {
  it("says each problem once", () => {
    const of = (detail: string, ...errors: ReadonlyArray<typeof types>) => {
      const report = reportOf(new InvalidRequest({ detail, errors }))
      return [report?.message, ...(report?.details ?? [])]
    }
    expect(of(url.detail, url)).toEqual([url.detail])
    expect(of(`types: 0: ${types.detail}`, types)).toEqual([`types[0]: ${types.detail}`])
    expect(of(`types: 0: ${types.detail}\nurl: ${url.detail}`, types, url)).toEqual([
      "the request has 2 problems",
      `types[0]: ${types.detail}`,
      `url: ${url.detail}`
    ])
    expect(of("The request is invalid.", url)).toEqual(["The request is invalid.", `url: ${url.detail}`])
  })
})
