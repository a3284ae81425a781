import { canonicalRanges } from "@maxcloud/synth"
import { Duration, Effect, Option } from "effect"
import type { ServerSettings } from "../../base/settings/ServerConfig.ts"
import { domainTemplateOf, prefixText } from "../../base/words/namespacePrefix.ts"
import { periodAt } from "../../stores/registry/pullPasswords.ts"
import { registryKeyOfText } from "../../stores/registry/registryKey.ts"
import { ClusterConfigError } from "../kubeApi/ClusterConfigError.ts"
import { currentRanges } from "../network/currentRanges.ts"
import type { Platform } from "../port/Platform.ts"
import { keptClass } from "./keptClass.ts"
import { dataOf } from "./knativeData.ts"
import { namespacePrefixOf } from "./namespacePrefixOf.ts"

/** The default domain of services (Knative, `config-domain`: a key without a selector). */
const domainOf = (data: Readonly<Record<string, string>>) =>
  Object.entries(data).find(([key, selector]) => key !== "_example" && selector.trim() === "")?.[0]

/**
 * Decides how public URLs are formed on this cluster: from the settings, or else from Knative's configuration. Its ranges follow
 * the cluster's until the scope closes.
 */
export const clusterPlatform = ({
  closedRanges,
  domain,
  externalSecretKey,
  externalSecretStore,
  manifestRules,
  namespacePrefix: asked,
  podSecurity,
  privateEgressRanges,
  publicPort,
  publicScheme = "http",
  registry,
  registryJwtSecret,
  registryPullRotation,
  runtimeClass
}: ServerSettings) =>
  Effect.gen(function* () {
    const namespacePrefix = yield* namespacePrefixOf(asked)
    const ourTemplate = domainTemplateOf(namespacePrefix)
    const [network, domains] = yield* Effect.all([dataOf("config-network"), dataOf("config-domain")])
    const template = Option.map(network, (found) => found["domain-template"] ?? "{{.Name}}.{{.Namespace}}.{{.Domain}}")
    if (Option.exists(template, (found) => found !== ourTemplate)) {
      yield* Effect.logWarning(
        `Knative forms hosts with the template ${Option.getOrElse(template, () => "")}, max-cloud with ${ourTemplate}. References to publicUrl in a config would name missing hosts. Run \`maxcloud cluster install --namespace-prefix ${prefixText(namespacePrefix)}\` to set it`
      )
    }
    const own = Option.getOrUndefined(Option.map(domains, domainOf))
    if (domain !== undefined && own !== undefined && own !== domain) {
      yield* Effect.logWarning(
        `Knative uses the domain ${own} for services, but the server uses ${domain} (MAXCLOUD_DOMAIN). Set both to the same value`
      )
    }
    const used = domain ?? own
    if (used === undefined) {
      return yield* new ClusterConfigError({
        reason: "invalid",
        message:
          "The domain of services is unknown. Set MAXCLOUD_DOMAIN, or configure Knative's (`maxcloud cluster install --domain apps.example.com`)"
      })
    }
    const warnUnknown = (unknown: string | undefined) =>
      unknown === undefined || privateEgressRanges.length === 0
        ? Effect.void
        : Effect.logWarning(
            `The server refuses private ranges in egress despite MAXCLOUD_PRIVATE_EGRESS_RANGES, because it doesn't know the cluster's own addresses (${unknown}). Set MAXCLOUD_CLOSED_RANGES`
          )
    const ranges = yield* currentRanges(closedRanges, warnUnknown).pipe(
      Effect.mapError(({ message }) => new ClusterConfigError({ reason: "unreachable", message }))
    )
    const privateRanges = canonicalRanges(privateEgressRanges)
    const clock = yield* Effect.clock
    const rotationMillis = Duration.toMillis(registryPullRotation)
    // Nodes' passwords are made from the key, so a new one replaces them at once.
    const keyId = registryJwtSecret === undefined ? "own" : registryKeyOfText(registryJwtSecret).id.slice(0, 4)
    return {
      namespacePrefix,
      domain: used,
      scheme: publicScheme,
      port: publicPort,
      podSecurity,
      runtimeClass: yield* keptClass(runtimeClass?.all),
      runtimeClasses: runtimeClass?.organizations,
      get closedRanges() {
        return canonicalRanges([...ranges().found, ...closedRanges])
      },
      get privateRanges() {
        return ranges().unknown === undefined ? privateRanges : []
      },
      get pullPeriod() {
        if (registry === undefined) return undefined
        return `${periodAt(clock.unsafeCurrentTimeMillis(), rotationMillis)}.${keyId}`
      },
      get unknownRanges() {
        return ranges().unknown
      },
      manifestRules,
      externalSecrets:
        externalSecretStore === undefined ? undefined : { store: externalSecretStore, key: externalSecretKey }
    } satisfies Platform["Type"]
  })
