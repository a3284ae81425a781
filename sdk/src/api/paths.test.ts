import * as HttpApi from "@effect/platform/HttpApi"
import { describe, expect, it } from "@effect/vitest"
import { MaxCloudApi } from "./api.ts"
import { operations } from "./operations.ts"

const isParameter = (segment: string | undefined) => segment?.startsWith(":") === true

/** Whether a request's path could match both, up to this segment. */
const agree = (one: ReadonlyArray<string>, other: ReadonlyArray<string>) =>
  one.every((segment, at) => segment === other[at] || isParameter(segment) || isParameter(other[at]))

/** Segments that are literal in one path and a parameter in another, so that the literal could be its value. */
const collisions = (paths: ReadonlyArray<string>): ReadonlyArray<string> => {
  const split = [...new Set(paths)].map((path) => ({ path, segments: path.split("/").filter((each) => each !== "") }))
  return split.flatMap((one) =>
    split.flatMap((other) =>
      one.segments.flatMap((segment, at) =>
        !isParameter(segment) && isParameter(other.segments[at]) && agree(one.segments.slice(0, at), other.segments)
          ? [`"${segment}" of ${one.path} could be a name in ${other.path}`]
          : []
      )
    )
  )
}

describe("every PATCH", () => {
  it("accepts a merge patch", () => {
    const types: Array<string | undefined> = []
    HttpApi.reflect(MaxCloudApi, {
      onGroup: () => {},
      onEndpoint: ({ endpoint, payloads }) => {
        if (endpoint.method === "PATCH") types.push(...payloads.keys())
      }
    })
    expect(types.length).toBeGreaterThan(2)
    expect(new Set(types)).toEqual(new Set(["application/merge-patch+json"]))
  })
})

describe("the paths of the contract", () => {
  it("have no literal segment where another operation has a name", () => {
    expect(operations.length).toBeGreaterThan(60)
    expect(collisions(operations.map(({ path }) => path))).toEqual([])
    expect(collisions(operations.map(({ organizationPath, path }) => organizationPath ?? path))).toEqual([])
  })

  it("have no colon inside a segment, which HttpApi would read as a parameter", () => {
    expect(operations.filter(({ path }) => /[^/]:/.test(path)).map(({ path }) => path)).toEqual([])
  })

  it("are checked by a rule that detects collisions", () => {
    const of = (...paths: ReadonlyArray<string>) => collisions(paths)
    expect(of("/apps/:app/secrets/import", "/apps/:app/secrets/:name")).toHaveLength(1)
    expect(of("/apps/:a/secrets/import/now", "/apps/:b/secrets/:name/versions")).toHaveLength(1)
    expect(of("/apps/:app/secrets-import", "/apps/:app/secrets/:name", "/apps/:app/secrets")).toEqual([])
    expect(of("/apps/all/secrets", "/apps/:app/secrets/:name")).toHaveLength(1)
    expect(of("/one/all/secrets", "/two/:app/secrets/:name")).toEqual([])
  })
})
