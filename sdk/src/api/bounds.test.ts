import * as OpenApi from "@effect/platform/OpenApi"
import { describe, expect, it } from "@effect/vitest"
import { unbounded } from "../../../config-schema/test/unbounded.ts"
import { MaxCloudApi } from "./index.ts"

const document = OpenApi.fromApi(MaxCloudApi)
const methods = ["get", "post", "put", "patch", "delete"] as const

/** The schema of every part of a request that carries input, by operation. */
const inputs = Object.entries(document.paths).flatMap(([path, item]) =>
  methods.flatMap((method) => {
    const operation = item[method]
    if (operation === undefined) return []
    return [
      ...operation.parameters.map((parameter) => ({
        place: `${operation.operationId} ${parameter.in} ${parameter.name}`,
        schema: parameter.schema
      })),
      ...Object.values(operation.requestBody?.content ?? {}).map((each) => ({
        place: `${operation.operationId} body`,
        schema: each.schema
      }))
    ].map((value) => ({ ...value, path }))
  })
)

describe("input of the API", () => {
  it("is bounded wherever a sender chooses a length, count or depth", () => {
    expect(inputs.length).toBeGreaterThan(60)
    expect(inputs.flatMap(({ place, schema }) => unbounded(schema, document, place))).toStrictEqual([
      "planDeployment body.spec: anything",
      "createDeployment body.spec: anything",
      "testPolicy body.spec: anything"
    ])
  })
})
