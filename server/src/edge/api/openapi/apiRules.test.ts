/** Checks the rules of docs/api-rules.md over the whole document. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { isJson, type Json, mapParts, referredIn } from "./json.ts"
import { type Operation, openApi } from "./openApi.ts"
import { resolved } from "./resolved.ts"

type Document = ReturnType<typeof openApi>

/** A field of a component, with its schema. */
interface Field {
  readonly component: string
  readonly name: string
  readonly schema: Json
  readonly isRequired: boolean
}

/** The document in the form the rules need. */
const viewOf = (document: Document) => {
  const { components, paths } = document
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation }))
  )
  const reach = (part: unknown, found: Set<string> = new Set()): ReadonlySet<string> => {
    for (const name of referredIn(part)) {
      if (found.has(name)) continue
      found.add(name)
      reach(components.schemas[name], found)
    }
    return found
  }
  const fieldsOf = (component: string, schema: Json): ReadonlyArray<Field> => {
    const { properties, required } = schema
    const own = Object.entries(isJson(properties) ? properties : {}).flatMap(([name, part]) =>
      isJson(part)
        ? [{ component, name, schema: part, isRequired: Array.isArray(required) && required.includes(name) }]
        : []
    )
    const deeper: Array<Field> = []
    mapParts(schema, (part) => {
      deeper.push(...fieldsOf(component, part))
      return part
    })
    return [...own, ...deeper]
  }
  const fieldsIn = (names: ReadonlySet<string>) =>
    [...names].flatMap((name) => fieldsOf(name, components.schemas[name] ?? {}))
  const answers = reach([operations.map(({ operation }) => operation.responses), components.responses])
  const requests = reach(operations.map(({ operation }) => operation.requestBody))
  const answersOf = ({ responses }: Operation) =>
    Object.entries(responses).map(([status, response]) => ({ status, ...resolved(document, response) }))
  /** The schema of an array's items, if the body is an array. */
  const listOf = (operation: Operation): unknown => {
    const [found] = answersOf(operation).filter(({ status }) => status === "200")
    const schema = found?.content?.["application/json"]?.schema
    return isJson(schema) && schema["type"] === "array" ? schema["items"] : undefined
  }
  return {
    document,
    operations,
    answers: fieldsIn(answers),
    requests: fieldsIn(requests),
    answerNames: answers,
    answersOf,
    listOf
  }
}
type View = ReturnType<typeof viewOf>

const place = ({ component, name }: Field) => `${component}.${name}`
/** The config language has its own rules, such as quantities like `512Mi` and optional fields. */
const isConfig = ({ component }: Field) =>
  /^(Declared|AppSpec|ServiceSpec|ServicePatch|PodDisruption|Scale|Probe|Export|Join|EnvValue|Build|Source(Folder)?$|OutputValue|.*Reference$)/.test(
    component
  )
const typesOf = ({ type }: Json): ReadonlyArray<unknown> => (Array.isArray(type) ? type : [type])
const camel = /^[a-z]+([A-Z][a-z0-9]*|[0-9])*$/
const without = (places: ReadonlyArray<string>, allowed: ReadonlyArray<string>) =>
  places.filter((each) => !allowed.includes(each))

/** The names that every client of a registry reads (CNCF Distribution, "Token Authentication Specification"). */
const registryTokens = ["RegistryToken.access_token", "RegistryToken.expires_in", "RegistryToken.issued_at"]

const has = (document: Document, component: string, field: string) => {
  const { properties } = document.components.schemas[component] ?? {}
  return isJson(properties) && field in properties
}

/** Each rule, by its name on the page, returns the places that break it. */
const rules: Readonly<Record<string, (view: View) => ReadonlyArray<string>>> = {
  Casing: ({ answers, operations, requests }) => [
    ...without(
      [...answers, ...requests].filter(({ name }) => !camel.test(name) && name !== "maxcloud.dev/service").map(place),
      // The deprecated first request of the API, the JSON Schema standard, tokens of registries, and JWKs (RFC 7517).
      ["CreateService.env_vars", "AppSpec.$schema", ...registryTokens, "RegistryKeysKey.x5c"]
    ),
    ...operations.flatMap(({ operation, path }) => [
      ...path
        .split("/")
        .filter((segment) => !/^(|[a-z0-9]+(-[a-z0-9]+)*|\{[a-z]+([A-Z][a-z]+)*\})$/.test(segment))
        .map((segment) => `${path}: ${segment}`),
      ...operation.parameters
        .filter(({ in: where, name }) => !(where === "header" ? /^[a-z]+(-[a-z]+)*$/ : camel).test(name))
        .map(({ name }) => `${operation.operationId} ${name}`)
    ])
  ],
  "Absent values": ({ answers, requests }) => [
    ...answers
      .filter((field) => !field.isRequired && !isConfig(field))
      .map(place)
      // Members of a problem, which RFC 9457 makes optional for each kind.
      .filter((each) => !/^(ProblemError|NotReadyCheck|Unauthenticated|Conflict|TooManyRequests)\./.test(each)),
    ...requests
      .filter(({ component }) => !/^(Change|Update|.*Patch)/.test(component))
      .filter(({ schema }) => typesOf(schema).includes("null") || JSON.stringify(schema).includes('"null"'))
      .map((field) => `${place(field)} takes null`)
  ],
  Times: ({ answers }) =>
    without(
      answers
        .filter(
          ({ name, schema }) => (schema["format"] === "date-time") !== /^(at|since|until)$|(At|After|Since)$/.test(name)
        )
        .map(place),
      ["CloudEvent.time", ...registryTokens]
    ),
  Authors: ({ answers }) =>
    answers
      .filter(
        ({ name, schema }) =>
          /([a-z]By|[aA]uthor)$/.test(name) &&
          name !== "replacedBy" &&
          !JSON.stringify(schema).includes('"#/components/schemas/Author"')
      )
      .map(place),
  "Points in time": ({ operations }) => {
    const since = operations.flatMap(({ operation }) =>
      operation.parameters.filter(({ name }) => name === "since" || name === "until")
    )
    return [...new Set(since.map(({ description, schema }) => JSON.stringify([description, schema])))].slice(1)
  },
  Units: ({ answers, requests }) =>
    [...answers, ...requests]
      .filter(
        (field) => !isConfig(field) && typesOf(field.schema).some((type) => type === "integer" || type === "number")
      )
      .filter(
        ({ name }) =>
          /(Ms|Millis|Minutes|Hours|Weeks|Kib|Mib|Kb|Mb)$/.test(name) ||
          (/cpu|memory|timeout|duration|overlap|interval|expires|size|window|retryAfter|grace|gib/i.test(name) &&
            !/(Seconds|Bytes|Milli|Days)$/.test(name))
      )
      .map(place)
      .filter((each) => !registryTokens.includes(each)),
  Lists: ({ answersOf, document, listOf, operations }) =>
    operations
      .filter(({ method, operation }) => method === "get" && listOf(operation) !== undefined)
      .flatMap(({ operation }) => {
        const names = operation.parameters.map(({ name }) => name)
        const [item = ""] = referredIn(listOf(operation))
        const { properties } = document.components.schemas[item] ?? {}
        const isFeed = isJson(properties) && properties["cursor"] !== undefined
        const needed = isFeed ? ["limit", "cursor"] : ["limit", "cursor", "sort"]
        const limit = operation.parameters.find(({ name }) => name === "limit")?.schema
        const links = answersOf(operation).some(({ headers }) => headers?.["link"] !== undefined)
        return [
          ...needed.filter((name) => !names.includes(name)).map((name) => `${operation.operationId} has no ${name}`),
          ...(isJson(limit) && limit["type"] === "integer" && limit["minimum"] === 1
            ? []
            : [`${operation.operationId} limit`]),
          ...(links ? [] : [`${operation.operationId} has no Link`]),
          ...(operation.operationId.startsWith("list") ? [] : [`${operation.operationId} isn't called list…`])
        ]
      }),
  Problems: ({ answers, answersOf, document, operations }) => [
    ...answers
      .filter(({ name }) => /^(errors|problems|warnings|findings|path|message)$/.test(name))
      .filter(({ component, name, schema }) =>
        name === "path" || name === "message"
          ? has(document, component, "path") && has(document, component, "message")
          : JSON.stringify(schema["items"]) !== '{"$ref":"#/components/schemas/ProblemError"}'
      )
      .map(place),
    ...operations.flatMap(({ operation }) =>
      answersOf(operation)
        .filter(({ status }) => Number(status) >= 400)
        .flatMap(({ content = {}, status }) => {
          const kinds = referredIn(content["application/problem+json"]?.schema)
          const isWhole = (kind: string) => {
            const required = document.components.schemas[kind]?.["required"]
            const needed = ["type", "title", "status", "detail", "code", "instance", "requestId"]
            return Array.isArray(required) && needed.every((name) => required.includes(name))
          }
          return Object.keys(content).length === 1 && kinds.length > 0 && kinds.every(isWhole)
            ? []
            : [`${operation.operationId} ${status}`]
        })
    )
  ],
  // hostile.test.ts sends other encodings.
  Bodies: ({ answersOf, operations }) =>
    operations
      .filter(({ operation: { requestBody } }) =>
        Object.keys(requestBody?.content ?? {}).some((type) => /json$/.test(type))
      )
      .flatMap(({ operation }) => {
        const statuses = answersOf(operation).map(({ status }) => status)
        const missing = ["400", "415"].filter((status) => !statuses.includes(status))
        return missing.map((status) => `${operation.operationId} has no ${status}`)
      }),
  Verbs: ({ answersOf, operations }) =>
    operations.flatMap(({ method, operation, path }) => {
      const statuses = answersOf(operation).map(({ status }) => status)
      const ofMethod: Readonly<Record<string, ReadonlyArray<string>>> = {
        get: ["200", "101"],
        put: ["200", "204"],
        patch: ["200"],
        delete: ["202", "204"],
        post: ["200", "201", "202", "204"]
      }
      const isTold = answersOf(operation).every(
        ({ headers, status }) => (status !== "201" && status !== "202") || headers?.["location"] !== undefined
      )
      return [
        ...(method === "get" && operation.requestBody !== undefined ? [`${operation.operationId} has a body`] : []),
        ...statuses
          .filter((status) => Number(status) < 400 && !(ofMethod[method] ?? []).includes(status))
          .map((status) => `${operation.operationId} answers ${method} with ${status}`),
        ...(isTold ? [] : [`${operation.operationId} has no Location`]),
        ...(path.includes(":") ? [`${path} has a colon`] : [])
      ]
    }),
  Ids: ({ answers, operations }) => {
    const isId = ({ pattern }: Json) => typeof pattern === "string" && /^\^[a-z]+_\[0-9a-f\]\{\d+\}\$$/.test(pattern)
    return [
      ...without(
        answers.filter(({ name, schema }) => (name === "id" || name === "userId") && !isId(schema)).map(place),
        // The subject of a foreign issuer, an optional credential, and the base of a plan.
        ["Plan.id", "Author.id", "AuditEntryActor.id", "AuthStatusCredential.id", "ErasureCertificateSubject.id"]
      ),
      ...operations.flatMap(({ operation }) =>
        operation.parameters
          .filter(
            ({ in: where, name, schema }) =>
              where === "path" && /^(id|\w+Id)$/.test(name) && !(isJson(schema) && isId(schema))
          )
          .map(({ name }) => `${operation.operationId} ${name}`)
      )
    ]
  },
  Words: ({ answers, answerNames, document }) => {
    const enums = [...answerNames].filter((name) => document.components.schemas[name]?.["enum"] !== undefined)
    const closed = [...enums, ...answers.filter(({ schema }) => Array.isArray(schema["enum"])).map(place)]
    const words = Object.entries(document.components.schemas).flatMap(([name, schema]) => {
      const own = schema["x-extensible-enum"] ?? schema["enum"]
      return (Array.isArray(own) ? own : []).map((word) => ({ name, word: String(word) }))
    })
    return [
      // Each state of a device sign-in has its own fields.
      ...closed.filter((each) => !/^(DeviceProgress|Unauthenticated.localMode|Declared)/.test(each)),
      // Diagnosis codes follow Kubernetes reasons, and so do its own words in a config.
      ...words
        .filter(({ name, word }) => !/^(DiagnosisCode|.*PodDisruption.*|.*Protocol)$/.test(name) && !camel.test(word))
        .map(({ name, word }) => `${name}: ${word}`)
    ]
  }
}

/** The first column of the page's table. */
const onPage = [
  ...readFileSync(join(import.meta.dirname, "../../../../../docs/api-rules.md"), "utf8").matchAll(
    /^\| \*\*([^*]+)\*\* \|/gm
  )
].map(([, name]) => name)

describe("the rules of the API", () => {
  const view = viewOf(openApi())

  it("match docs/api-rules.md", () => {
    expect(Object.keys(rules)).toStrictEqual(onPage)
  })

  for (const [name, faults] of Object.entries(rules)) {
    it(`hold over the whole document: ${name}`, () => {
      expect(faults(view)).toStrictEqual([])
    })
  }

  it("find violations", () => {
    const document = openApi()
    const broken: Json = {
      type: "object",
      required: ["id", "created", "createdBy", "expiresIn", "state", "snake_case"],
      properties: {
        id: { type: "string" },
        created: { type: "string", format: "date-time" },
        createdBy: { type: "string" },
        expiresIn: { type: "integer" },
        state: { type: "string", enum: ["True", "False"] },
        snake_case: { type: "string" },
        maybe: { type: "string" }
      }
    }
    const { get } = document.paths["/api/v1/services"] ?? expect.unreachable("no services")
    const listing = get ?? expect.unreachable("no list")
    const ofBroken = (schema: Json, parameters: Operation["parameters"]): Operation => ({
      ...listing,
      operationId: "servicesList",
      parameters,
      requestBody: { required: true, content: { "application/json": { schema } } },
      responses: {
        200: { description: "", content: { "application/json": { schema } } },
        404: { description: "" },
        201: { description: "" }
      }
    })
    const seen = viewOf({
      ...document,
      paths: {
        "/api/v1/Broken_things:verb/{id}": {
          get: ofBroken({ type: "array", items: { $ref: "#/components/schemas/Broken" } }, [
            { name: "id", in: "path", required: true, schema: { type: "string" } },
            { name: "since", in: "query", required: false, schema: { type: "string" } },
            { name: "until", in: "query", required: false, schema: { type: "integer" } }
          ])
        }
      },
      components: { ...document.components, schemas: { ...document.components.schemas, Broken: broken } }
    })
    for (const [name, faults] of Object.entries(rules)) expect(faults(seen), name).not.toStrictEqual([])
  })
})
