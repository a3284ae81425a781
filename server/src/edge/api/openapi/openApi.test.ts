import { readFileSync } from "node:fs"
import { join } from "node:path"
import { HttpApi } from "@effect/platform"
import { describe, expect, it } from "@effect/vitest"
import { MaxCloudApi, operations } from "@maxcloud/sdk/api"
import { Either, Option, Schema, SchemaAST } from "effect"
import { docsPage } from "../pages/docsPage.ts"
import { exampleOf } from "./examples.ts"
import { isJson, type Json, mapParts, referredIn } from "./json.ts"
import { type Operation, openApi } from "./openApi.ts"
import { resolved } from "./resolved.ts"

const document = openApi()
const documented: ReadonlyArray<Operation> = Object.values(document.paths).flatMap((item) => Object.values(item))

/** A schema and every schema nested in it. */
const schemasIn = (schema: Json): ReadonlyArray<Json> => {
  const found: Array<Json> = [schema]
  mapParts(schema, (part) => {
    found.push(...schemasIn(part))
    return part
  })
  return found
}
const components = Object.entries(document.components.schemas)

/** The components that a part of the document refers to. */
const behind = (part: unknown, found: Set<string> = new Set()): ReadonlySet<string> => {
  for (const name of referredIn(part)) {
    if (found.has(name)) continue
    found.add(name)
    behind(document.components.schemas[name], found)
  }
  return found
}
const answers = behind([documented.map(({ responses }) => responses), document.components.responses])
const requests = behind(documented.map(({ requestBody }) => requestBody))

describe("the OpenAPI document", () => {
  it("matches the one in docs/ (else run `npm run generate`)", () => {
    const committed = readFileSync(join(import.meta.dirname, "../../../../../docs/openapi.json"), "utf8")
    expect(committed).toBe(`${JSON.stringify(openApi(), null, 2)}\n`)
  })

  it("describes every operation and every answer, errors as problem documents", () => {
    for (const [path, item] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(item)) {
        const where = `${method} ${path}`
        expect(operation.summary, where).not.toHaveLength(0)
        expect(operation.description, where).not.toHaveLength(0)
        if (path.includes("{")) expect(operation.responses, where).toHaveProperty("404")
        for (const [status, found] of Object.entries(operation.responses)) {
          const response = resolved(document, found)
          expect(response.description, `${where} ${status}`).not.toHaveLength(0)
          if (Number(status) >= 400)
            expect(Object.keys(response.content ?? {}), `${where} ${status}`).toStrictEqual([
              "application/problem+json"
            ])
        }
      }
    }
  })

  it("states for each operation whether it needs a credential, as the contract does", () => {
    expect(document.components.securitySchemes.bearer).toMatchObject({ type: "http", scheme: "bearer" })
    const said = documented.map(({ operationId, responses, security }) => {
      expect("401" in responses, operationId).toBe(security.length > 0)
      return [operationId, security.length === 0 ? "open" : JSON.stringify(security)] as const
    })
    const wanted = operations.map(
      ({ row }) => [row.id, row.roles === "open" ? "open" : JSON.stringify([{ bearer: [] }])] as const
    )
    expect(said.toSorted()).toStrictEqual(wanted.toSorted())
  })

  it("gives each operation a unique name of a verb and its subject", () => {
    const ids = documented.map(({ operationId }) => operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^[a-z]+([A-Z][a-z]+)*$/)
    for (const { operationId, responses } of documented) {
      const content = resolved(document, responses["200"] ?? { description: "" }).content?.["application/json"]
      const isArray = isJson(content?.schema) && content.schema["type"] === "array"
      if (isArray && !/^(import|copy)/.test(operationId)) expect(operationId).toMatch(/^list/)
    }
  })

  it("describes every tag", () => {
    expect(document.tags.filter(({ description = "" }) => description.length < 10)).toStrictEqual([])
    expect(document.tags.length).toBeGreaterThan(10)
  })

  it("has no broken references", () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/([^"]+)"/g)]
    expect(refs.length).toBeGreaterThan(500)
    const { components } = document
    const has: Readonly<Record<string, object>> = { ...components }
    for (const [ref, kind = "", name = ""] of refs) expect(has[kind], ref).toHaveProperty([name])
  })

  it("is readable as a page without external resources", () => {
    const page = docsPage(document)
    expect(page).toContain("Create a service from an image")
    expect(page).not.toMatch(/<script|src=|https?:\/\/(?!maxcloud\.dev\/problems)/)
    for (const [, anchor] of page.matchAll(/href="#([^"]+)"/g)) expect(page).toContain(`id="${anchor}"`)
  })
})

describe("the schemas of the document", () => {
  it("are separate named objects: none is nested inside another", () => {
    const nested = components.flatMap(([name, schema]) =>
      schemasIn(schema)
        .slice(1)
        .filter((part) => part["properties"] !== undefined)
        .map((part) => `${name}: ${JSON.stringify(part).slice(0, 100)}`)
    )
    // The fields of a service, all optional, in a config's `defaults`.
    expect(nested.filter((each) => !each.startsWith("AppSpec: "))).toStrictEqual([])
    const inBodies = [
      documented.map(({ requestBody, responses }) => [requestBody, responses]),
      document.components.responses
    ]
    expect(JSON.stringify(inBodies)).not.toContain('"properties"')
  })

  it("have a single name for each answer", () => {
    // Request bodies may be equal by chance: each belongs to its operation.
    const names = Map.groupBy(
      components.filter(([name]) => answers.has(name)),
      ([, schema]) => JSON.stringify(schema)
    )
    const same = [...names.values()].filter((found) => found.length > 1).map((found) => found.map(([name]) => name))
    expect(same).toStrictEqual([])
  })

  it("are open in answers and closed in requests", () => {
    expect([...answers].filter((name) => requests.has(name))).toStrictEqual(
      [...answers].filter((name) => requests.has(name) && document.components.schemas[name]?.["type"] === "string")
    )
    for (const [name, schema] of components) {
      for (const part of schemasIn(schema)) {
        if (answers.has(name)) expect(part["additionalProperties"], name).not.toBe(false)
        else if (requests.has(name) && part["properties"] !== undefined)
          expect(part["additionalProperties"], name).toBe(false)
      }
    }
  })

  it("describe an app in full, not as any object", () => {
    const { AppSpec, PlanRequest, ServiceSpec } = document.components.schemas
    expect(PlanRequest).toMatchObject({ properties: { spec: { $ref: "#/components/schemas/AppSpec" } } })
    expect(AppSpec).toMatchObject({
      properties: { services: { items: { $ref: "#/components/schemas/ServiceSpec" } } }
    })
    expect(ServiceSpec).toMatchObject({ properties: { image: { type: "string" } } })
    const anything = components.flatMap(([name, schema]) =>
      schemasIn(schema)
        .filter((part) => Object.keys(part).every((key) => key === "description"))
        .map(() => name)
    )
    // A Kubernetes object; and the data of an event, which docs/reference/events.md describes for each kind.
    expect(anything).toStrictEqual(["CloudEvent", "PlannedManifest"])
  })

  it("mark every time as one", () => {
    const times = components.flatMap(([name, schema]) =>
      schemasIn(schema).flatMap(({ properties }) =>
        Object.entries(isJson(properties) ? properties : {})
          .filter(([field]) => /(^at|At|After|Since|Time|^since|^until|^time)$/.test(field))
          .map(([field, part]) => [`${name}.${field}`, isJson(part) ? part["format"] : undefined])
      )
    )
    expect(times.length).toBeGreaterThan(30)
    expect(times.filter(([, format]) => format !== "date-time")).toStrictEqual([])
  })

  it("have whole numbers, except for the few that may be fractions, with their units in their names", () => {
    const isFraction = (part: unknown) => /"type":(\[[^\]]*)?"number"/.test(JSON.stringify(part))
    const fractions = components.flatMap(([name, { properties, ...schema }]) => [
      ...(isFraction(schema) ? [name] : []),
      ...Object.entries(isJson(properties) ? properties : {}).flatMap(([field, part]) =>
        isFraction(part) ? [`${name}.${field}`] : []
      )
    ])
    expect(fractions).toStrictEqual([
      // A variable's value, and vCPU such as 0.5, as somebody wrote them in a config.
      "DeclaredEnvValue",
      "DeclaredService.cpu",
      "EnvValue",
      "ServiceSpec.cpu",
      "ServiceUsage.instanceSeconds",
      "ServiceUsage.cpuSeconds",
      "ServiceUsage.memoryGibSeconds"
    ])
  })

  it("have integers with bounds, and booleans, in queries", () => {
    const query = documented.flatMap(({ parameters }) => parameters.filter((each) => each.in === "query"))
    const limits = query.filter((each) => each.name === "limit")
    expect(limits.length).toBeGreaterThan(10)
    for (const { schema } of limits)
      expect(schema).toMatchObject({ type: "integer", minimum: 1, maximum: expect.any(Number) })
    expect(query.find((each) => each.name === "follow")?.schema).toMatchObject({ type: "boolean" })
  })
})

describe("the examples of the document", () => {
  const strictly = { onExcessProperty: "error" } as const
  const decodes = (ast: SchemaAST.AST, value: unknown) => {
    const schema = Schema.make<unknown>(ast)
    return Either.mapLeft(Schema.decodeUnknownEither(schema, strictly)(value), (error) => error.message)
  }
  const faults: Array<string> = []
  const counted = new Map<string, number>()
  HttpApi.reflect(MaxCloudApi, {
    onGroup: () => {},
    onEndpoint: ({ endpoint, group, payloads, successes }) => {
      const operation = operations.find(({ name }) => name === `${group.identifier}.${endpoint.name}`)
      if (operation === undefined) return
      const check = (part: "request" | "answer", asts: ReadonlyArray<SchemaAST.AST>) => {
        const example = exampleOf[operation.name][part]
        counted.set(part, (counted.get(part) ?? 0) + asts.length)
        if (asts.length === 0) {
          if (example !== undefined) faults.push(`${operation.name}: an example for no ${part}`)
          return
        }
        const results = asts.map((ast) => decodes(ast, example))
        const failed = results.flatMap(Either.match({ onLeft: (message) => [message], onRight: () => [] }))
        if (failed.length === results.length) faults.push(`${operation.name} ${part}: ${failed.join("\n")}`)
      }
      check(
        "request",
        [...payloads.values()].map(({ ast }) => ast)
      )
      check(
        "answer",
        [...successes.values()].flatMap(({ ast }) => Option.toArray(ast)).filter((ast) => !isEmpty(ast))
      )
    }
  })

  it("exist for every operation with a body, and are valid for its schema", () => {
    expect(faults).toStrictEqual([])
    expect(counted.get("request")).toBeGreaterThan(20)
    expect(counted.get("answer")).toBeGreaterThan(50)
  })

  it("appear at every body of the document and at every path parameter", () => {
    for (const { operationId, parameters, requestBody, responses } of documented) {
      for (const each of parameters.filter(({ in: place }) => place === "path"))
        expect(each.example, `${operationId} ${each.name}`).toBeDefined()
      const own = Object.entries(responses).filter(([status]) => status.startsWith("2"))
      const bodies = [requestBody?.content, ...own.map(([, found]) => resolved(document, found).content)]
      for (const content of bodies) {
        for (const [type, { examples }] of Object.entries(content ?? {}))
          if (type !== "application/gzip") expect(examples, `${operationId} ${type}`).toBeDefined()
      }
    }
  })
})

function isEmpty(ast: SchemaAST.AST) {
  return SchemaAST.isVoidKeyword(SchemaAST.typeAST(ast))
}
