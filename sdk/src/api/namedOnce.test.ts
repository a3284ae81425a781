import { describe, expect, it } from "@effect/vitest"
import { specIssuesOf } from "@maxcloud/config-schema"
import { Either, Schema } from "effect"
import { holdsSecret } from "./holdsSecret.ts"
import { CopySecrets, ImportSecrets } from "./secrets.ts"

const issues = <A, I>(schema: Schema.Schema<A, I>, value: unknown) => {
  const decoded = Schema.decodeUnknownEither(schema, { errors: "all" })(value)
  return Either.isLeft(decoded) ? specIssuesOf(decoded.left, holdsSecret) : []
}
const secret = (name: string, value = "hunter2") => ({ name, value })

describe("a duplicate name", () => {
  it("is refused in an import, naming both positions but no value", () => {
    const found = issues(ImportSecrets, { secrets: [secret("A"), secret("B"), secret("A", "hunter3")] })
    const message = '"A" is there twice: secrets[0] and secrets[2]. Remove one of them.'
    expect(found).toEqual([
      { path: ["secrets", 0, "name"], message },
      { path: ["secrets", 2, "name"], message }
    ])
    expect(issues(ImportSecrets, { secrets: [secret("A"), secret("B"), secret("__proto__")] })).toEqual([])
  })

  it("is refused in a copy, once for each name", () => {
    const from = { app: "shop", stage: "production" }
    const found = issues(CopySecrets, { from, names: ["A", "B", "B", "A", "A"] })
    expect(found.map(({ path }) => path)).toEqual([
      ["names", 0],
      ["names", 3],
      ["names", 1],
      ["names", 2]
    ])
    expect(issues(CopySecrets, { from, names: ["A", "B"] })).toEqual([])
  })
})
