import { HttpApi } from "@effect/platform"
import { MaxCloudApi } from "@maxcloud/sdk/api"
import { Option } from "effect"

interface Entry {
  readonly pattern: string
  readonly matches: RegExp
  readonly methods: Set<string>
  /** Those of them that come with JSON. */
  readonly withJson: Set<string>
}

/** The pages beside the API's operations. */
export const page = {
  landing: "/",
  docs: "/api/docs",
  openapi: "/api/openapi.json",
  metrics: "/metrics"
} as const

const entries = new Map<string, Entry>()

const add = (method: string, pattern: string, withJson: boolean) => {
  const entry = entries.get(pattern) ?? {
    pattern,
    matches: new RegExp(`^${pattern.replace(/[.]/g, "\\.").replace(/:\w+/g, "[^/]+")}/?$`),
    methods: new Set<string>(),
    withJson: new Set<string>()
  }
  entry.methods.add(method)
  if (withJson) entry.withJson.add(method)
  if (method === "GET") entry.methods.add("HEAD")
  entries.set(pattern, entry)
}

HttpApi.reflect(MaxCloudApi, {
  onGroup: () => {},
  onEndpoint: ({ endpoint }) => add(endpoint.method, endpoint.path, Option.isSome(endpoint.payloadSchema))
})
for (const path of Object.values(page)) add("GET", path, false)

const table: ReadonlyArray<Entry> = [...entries.values()]

/** The route of a URL's path: its pattern and the methods it takes. */
export const routeOf = (
  url: string
):
  | {
      readonly pattern: string
      readonly methods: ReadonlySet<string>
      /** Those of them that come with JSON. */
      readonly withJson: ReadonlySet<string>
    }
  | undefined => {
  const path = pathOf(url)
  return table.find((_) => _.matches.test(path))
}

export const pathOf = (url: string) => url.split(/[?#]/, 1)[0] ?? url
