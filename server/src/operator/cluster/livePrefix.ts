import { Effect, Option, Schema } from "effect"
import { defaultNamespacePrefix, prefixOfTemplate, prefixText } from "../../base/words/namespacePrefix.ts"
import { KubeApi } from "../../runtimes/kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../../runtimes/kubeApi/kinds.ts"
import { knativeNamespace } from "../../runtimes/kubeApi/systemNames.ts"
import { unlessMissing } from "./applyObjects.ts"
import { ClusterProblem } from "./ClusterProblem.ts"

const decodeNames = Schema.decodeUnknown(
  Schema.Struct({ items: Schema.Array(Schema.Struct({ metadata: Schema.Struct({ name: Schema.String }) })) })
)
const decodeNetwork = Schema.decodeUnknownOption(
  Schema.Struct({ data: Schema.Struct({ "domain-template": Schema.optional(Schema.String) }) })
)

/** Existing tenants' namespaces, by name. */
const tenantNamespaces = Effect.gen(function* () {
  const api = yield* KubeApi
  const answer = yield* api.request({
    method: "GET",
    path: pathOf(kinds.namespace),
    query: { labelSelector: "app.kubernetes.io/managed-by=maxcloud" }
  })
  return (yield* Effect.orDie(decodeNames(answer))).items.map((item) => item.metadata.name)
})

/** The prefix in Knative's host template; undefined if the template isn't ours. */
const prefixOfHosts = Effect.gen(function* () {
  const api = yield* KubeApi
  const answer = yield* unlessMissing(
    api.request({ method: "GET", path: pathOf(kinds.configMap, knativeNamespace, "config-network") })
  )
  const template = Option.flatMap(answer, decodeNetwork).pipe(
    Option.map((found) => found.data["domain-template"] ?? "")
  )
  return prefixOfTemplate(Option.getOrElse(template, () => ""))
})

/**
 * The prefix of tenants' namespaces on this cluster: `asked` if given, else the one an earlier installation set, else
 * none if tenants have namespaces without one (from earlier versions), else the default.
 */
export const livePrefix = Effect.fn("livePrefix")(function* (asked: string | undefined) {
  if (asked !== undefined) return asked
  const set = yield* prefixOfHosts
  if (set !== undefined && set !== "") return set
  const others = (yield* tenantNamespaces).filter(
    (tenantNamespace) => !tenantNamespace.startsWith(defaultNamespacePrefix)
  )
  return others.length === 0 ? defaultNamespacePrefix : ""
})

/**
 * Refuses a prefix that existing tenants' namespaces don't have: their hosts would change, and the server could no
 * longer change them.
 */
export const refuseOtherPrefix = Effect.fn("refuseOtherPrefix")(function* (prefix: string) {
  const set = (yield* prefixOfHosts) ?? ""
  // Every name begins with the empty prefix, so then the template says which prefix they have.
  const hasAnother = (name: string) => !name.startsWith(prefix) || (prefix === "" && set !== "" && name.startsWith(set))
  const others = (yield* tenantNamespaces).filter(hasAnother)
  const [one] = others
  if (one === undefined) return
  return yield* new ClusterProblem({
    message: `${others.length} namespaces of organizations have another prefix than "${prefixText(prefix)}", such as "${one}"`,
    fix: 'leave --namespace-prefix out to keep the present prefix. To move to another, see "Namespaces" in docs/kubernetes.md. --force goes on regardless'
  })
})
