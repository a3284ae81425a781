import * as HttpApi from "@effect/platform/HttpApi"
import type * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import type * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { Context, Option } from "effect"
import { MaxCloudApi } from "./api.ts"
import { type EndpointRow, EndpointRowOf } from "./endpoint.ts"
import { holdsSecret } from "./holdsSecret.ts"
import { belowOrganization } from "./organizationPath.ts"

type GroupOf<A> = A extends HttpApi.HttpApi<infer _I, infer G, infer _E, infer _R> ? G : never
type NameOf<G> =
  G extends HttpApiGroup.HttpApiGroup<infer Id, infer E, infer _Error, infer _R, infer _Top>
    ? `${Id}.${HttpApiEndpoint.HttpApiEndpoint.Name<E>}`
    : never

/** The name of an operation of the API: its group and endpoint, such as `apps.deploy`. The audit log uses it too. */
export type OperationName = NameOf<GroupOf<typeof MaxCloudApi>>

/** An endpoint of the contract, for readers of the contract. */
export interface Operation {
  readonly name: OperationName
  readonly method: string
  /** The contract's path, with `:name` for a parameter, for the credential's own organization. */
  readonly path: string
  /** The same for the organization `:org`; undefined if it doesn't concern one. */
  readonly organizationPath: string | undefined
  readonly row: EndpointRow
  readonly takesJson: boolean
  /** Its request or response contains a secret: a password, value, code, token or key. */
  readonly isSecret: boolean
}

const found: Array<Omit<Operation, "name"> & { readonly name: string }> = []
HttpApi.reflect(MaxCloudApi, {
  onGroup: () => {},
  onEndpoint: ({ endpoint, errors, group, payloads, successes }) => {
    const name = `${group.identifier}.${endpoint.name}`
    const { method, path } = endpoint
    const row = Option.getOrThrowWith(
      Context.getOption(endpoint.annotations, EndpointRowOf),
      () =>
        new Error(`The endpoint ${name} has no row. Declare it with get, post, put, patch or del of api/endpoint.ts.`)
    )
    const answers = [...successes.values(), ...errors.values()].flatMap(({ ast }) => Option.toArray(ast))
    const parameters = [endpoint.pathSchema, endpoint.urlParamsSchema, endpoint.headersSchema].flatMap((schema) =>
      Option.toArray(Option.map(schema, (found) => found.ast))
    )
    const parts = [...[...payloads.values()].map((payload) => payload.ast), ...parameters, ...answers]
    const takesJson = Option.isSome(endpoint.payloadSchema)
    const isShared = row.roles === "open" || row.about === "person"
    const organizationPath = isShared ? undefined : belowOrganization(path, ":org")
    found.push({ name, method, path, organizationPath, row, takesJson, isSecret: parts.some(holdsSecret) })
  }
})

const repeatable: ReadonlySet<string> = new Set(
  found.flatMap(({ method, name, row: { content, roles, writes } }) =>
    writes && method !== "GET" && roles !== "open" && content === undefined ? [name] : []
  )
)

const rows: ReadonlyMap<string, EndpointRow> = new Map(found.map((each) => [each.name, each.row]))
const isNamed = (operation: { readonly name: string }): operation is { readonly name: OperationName } =>
  rows.has(operation.name)

/** Every operation of the contract, in its order. */
export const operations: ReadonlyArray<Operation> = found.flatMap(({ name, ...rest }) => {
  const named = { name }
  return isNamed(named) ? [{ ...rest, ...named }] : []
})

/** The contract's facts about an operation, besides its schemas. */
export const rowOf = (name: OperationName): EndpointRow => {
  const row = rows.get(name)
  if (row === undefined) throw new Error(`Operation not found: ${name}.`)
  return row
}

const matcherOf = (path: string) => new RegExp(`^${path.replace(/[.]/g, "\\.").replace(/:\w+/g, "[^/]+")}/?$`)

const matchers = operations.flatMap(({ isSecret, method, name, organizationPath, path }) => {
  const matcher = { name, method, isSecret, matches: matcherOf(path), isOrganizations: organizationPath !== undefined }
  return organizationPath === undefined
    ? [matcher]
    : [matcher, { ...matcher, matches: matcherOf(organizationPath), isOrganizations: false }]
})

/**
 * Whether the operation accepts an `Idempotency-Key`: all that change something and need a credential, because keys belong to a credential.
 * Uploads have a digest, so they need no key. A session of `exec` can't be kept and answered again.
 */
export const isRepeatable = (name: OperationName): boolean => repeatable.has(name)

/** Whether a request goes to such an operation. `path` is relative to the API's root. */
export const takesKey = (method: string, path: string): boolean => {
  const [found] = matchers.filter((matcher) => matcher.method === method && matcher.matches.test(path))
  return found !== undefined && isRepeatable(found.name)
}

/** Whether a request or its response may contain a secret. True for requests outside the contract. `path` is relative to the API's root. */
export const carriesSecret = (method: string, path: string): boolean => {
  const matching = matchers.filter((matcher) => matcher.method === method && matcher.matches.test(path))
  return matching.length === 0 || matching.some((each) => each.isSecret)
}

/**
 * Turns a path for the credential's own organization into one for this organization. Leaves paths without an organization, or with one,
 * unchanged. `path` is relative to the API's root, and may have a query. `organization` is a name, or `-`.
 */
export const inOrganization = (path: string, organization: string): string => {
  const [plain = ""] = path.split(/[?#]/, 1)
  return matchers.some((matcher) => matcher.isOrganizations && matcher.matches.test(plain))
    ? belowOrganization(path, organization)
    : path
}
