import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Schema, SchemaAST } from "effect"
import { errorPage } from "../scripts/errorPage.ts"
import * as apiModule from "./api/errors.ts"
import * as sdkModule from "./errors.ts"
import { apiErrors, sdkErrors } from "./errorTable.ts"

/** The names of the error classes that a module exports. */
const classesOf = (module: object) =>
  Object.entries(module).flatMap(([name, value]) => (typeof value === "function" && "_tag" in value ? [name] : []))

describe("the table of errors", () => {
  it("has a row for each error of the API, which can be decoded", () => {
    const tags = Object.keys(apiErrors).sort()
    expect(Object.keys(apiModule.wire).sort()).toStrictEqual(tags)
    expect(classesOf(apiModule).sort()).toStrictEqual(tags)
  })

  it("has a row for each error of the SDK", () => {
    const made = Object.entries(sdkModule).flatMap(([name, value]) =>
      /^[A-Z]/.test(name) && typeof value === "function" ? [name] : []
    )
    expect(made.sort()).toStrictEqual(Object.keys(sdkErrors).sort())
  })

  it("gives a problem document its type, title and status, and the error its message", () => {
    const error = new apiModule.NotFound({
      resource: "service",
      resourceName: "web",
      detail: "there is no service web"
    })
    expect(error.message).toBe("there is no service web")
    const encoded: unknown = Schema.encodeSync(apiModule.ApiError)(error)
    expect(encoded).toStrictEqual({
      type: "/problems/not-found",
      title: "Not found",
      status: 404,
      detail: "there is no service web",
      code: "not_found",
      resource: "service",
      resourceName: "web"
    })
  })

  it("preserves the error's own name, message, stack and cause", () => {
    for (const { ast } of Object.values(apiModule.wire)) {
      const fields = SchemaAST.getPropertySignatures(SchemaAST.encodedAST(ast)).map(({ name }) => String(name))
      expect(fields.filter((field) => ["name", "message", "stack", "cause"].includes(field))).toEqual([])
    }
    const error: Error = new apiModule.NotFound({ resource: "service", resourceName: "web", detail: "no web" })
    expect([error.name, String(error)]).toEqual(["NotFound", "NotFound: no web"])
  })

  it("matches docs/reference/errors.md (else run `npm run generate`)", () => {
    const committed = readFileSync(join(import.meta.dirname, "../../docs/reference/errors.md"), "utf8")
    expect(committed).toBe(errorPage())
  })
})
