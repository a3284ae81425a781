import type { AppName, AppSpec, ServiceSpec } from "@maxcloud/config-schema"
import { type ApiObject, Chart } from "cdk8s"
import { KubeNetworkPolicy, KubeSecret, KubeServiceAccount } from "cdk8s-plus-30/lib/imports/k8s.js"
import { annotation } from "./annotations.ts"
import { environmentOf } from "./environment.ts"
import { KnativeService } from "./KnativeService.ts"
import { serviceLabels } from "./labels.ts"
import type { Manifest } from "./manifest.ts"
import { namespaceOf, pullSecretName } from "./names.ts"
import { linkPolicyOf, policyOf } from "./networkPolicies.ts"
import { PlainApp } from "./PlainApp.ts"
import { revisionTemplateOf } from "./revisionTemplate.ts"
import { sorted } from "./sorted.ts"
import type { TenantContext } from "./tenant.ts"

/**
 * Everything of an app in its namespace, sorted: per service a Knative Service, a ServiceAccount, NetworkPolicies and, where
 * it holds secrets, a Secret without values. Pure: equal input gives equal bytes. The namespace's own objects are those of
 * `synthNamespace`. Call `missingSecrets` and `hostProblems` before: a secret without a version throws.
 */
export const synth = (spec: AppSpec, tenant: TenantContext): ReadonlyArray<Manifest> =>
  sorted(spec.services.flatMap((service) => synthService(spec.app, service, tenant)))

/** An App and Chart of its own for each service: an App of many Charts costs more than its parts. */
const synthService = (app: AppName, service: ServiceSpec, tenant: TenantContext): ReadonlyArray<Manifest> => {
  const chart = new Chart(new PlainApp(), "service", { disableResourceNameHashes: true })
  const labels = serviceLabels(app, service, tenant)
  const named = (name: string) => ({ name, namespace: namespaceOf(tenant), labels: { ...labels } })
  const environment = environmentOf(service, tenant)
  const { secret } = environment
  const linkPolicy = linkPolicyOf(service)

  const objects: ReadonlyArray<ApiObject> = [
    new KubeServiceAccount(chart, "account", {
      metadata: named(service.name),
      automountServiceAccountToken: false,
      // Here and not in the template: credentials that come or go make no new revision.
      ...(tenant.pullSecret ? { imagePullSecrets: [{ name: pullSecretName }] } : {})
    }),
    ...(secret === undefined
      ? []
      : [
          new KubeSecret(chart, "secret", {
            metadata: { ...named(secret.name), annotations: { [annotation.secretParts]: secret.parts } },
            type: "Opaque"
          })
        ]),
    new KubeNetworkPolicy(chart, "policy", { metadata: named(service.name), spec: policyOf(service) }),
    ...(linkPolicy === undefined
      ? []
      : [new KubeNetworkPolicy(chart, "links", { metadata: named(`${service.name}--link`), spec: linkPolicy })]),
    new KnativeService(chart, "service", {
      metadata: {
        ...named(service.name),
        labels: {
          ...labels,
          ...(service.visibility === "internal" ? { "networking.knative.dev/visibility": "cluster-local" } : {})
        }
      },
      spec: { template: revisionTemplateOf(app, service, tenant, labels, environment) }
    })
  ]
  return objects.map((_): Manifest => _.toJson())
}
