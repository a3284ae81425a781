import { describe, expect, it } from "@effect/vitest"
import { specIssuesOf } from "@maxcloud/config-schema"
import { Either, Schema } from "effect"
import { CreateService } from "./service.ts"

describe("the environment of a new service", () => {
  it.each(["env", "env_vars"])("refuses in %s a name that an object can't keep", (field) => {
    const sent: unknown = JSON.parse(`{"name":"web","image":"nginx:1.27","${field}":{"__proto__":"x","A":"b"}}`)
    const decoded = Schema.decodeUnknownEither(CreateService, { errors: "all" })(sent)
    expect(Either.isLeft(decoded) ? specIssuesOf(decoded.left) : []).toMatchObject([
      { path: [field, "__proto__"], message: '"__proto__" can\'t be used as a name here. Choose another.' }
    ])
  })
})
