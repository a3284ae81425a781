import { type AppSpec, atOnce, externalsOf, linksOf, type ServiceSpec, type Turns } from "@maxcloud/config-schema"
import { type ApiObject, type ApiObjectMetadata, Chart } from "cdk8s"
import { KubeNetworkPolicy, KubeSecret, KubeServiceAccount } from "cdk8s-plus-30/lib/imports/k8s.js"
import { annotation } from "./annotations.ts"
import { appObjects } from "./appObjects.ts"
import { ExternalSecret } from "./ExternalSecret.ts"
import { type Environment, environmentOf } from "./environment.ts"
import { externalSecretSpec } from "./externalSecrets.ts"
import { KnativeService } from "./KnativeService.ts"
import { serviceLabels } from "./labels.ts"
import type { Manifest } from "./manifest.ts"
import { externalMark, namespaceOf, placeOfApp, pullSecretName } from "./names.ts"
import { policyOf } from "./networkPolicies.ts"
import { PlainApp } from "./PlainApp.ts"
import { patched } from "./patches.ts"
import { revisionTemplateOf } from "./revisionTemplate.ts"
import { writeParts } from "./secretParts.ts"
import { writeMarks } from "./serviceMarks.ts"
import { sorted } from "./sorted.ts"
import type { TenantContext } from "./tenant.ts"

/**
 * All objects of an app in its namespace, sorted. Each service has a Knative Service, a ServiceAccount and a NetworkPolicy. If it uses
 * secrets, it also has a Secret without values, or an ExternalSecret if the tenant's secrets come from a store. What the config's
 * `manifests` add or change is done as far as the tenant's rules allow it. Pure: equal input gives
 * equal bytes. `synthNamespace` makes the namespace's own objects. Call `missingSecrets` and `hostProblems` before: a secret without a
 * version throws.
 */
export const synth = (spec: AppSpec, tenant: TenantContext): ReadonlyArray<Manifest> =>
  atOnce(synthInTurns(spec, tenant))

/** `synth`, service by service. */
export function* synthInTurns(spec: AppSpec, tenant: TenantContext): Turns<ReadonlyArray<Manifest>> {
  const manifests: Array<Manifest> = []
  for (const service of spec.services) {
    yield
    manifests.push(...synthService(spec.exports, service, tenant))
  }
  yield
  return sorted([...manifests, ...appObjects(spec, tenant)])
}

/** An App and Chart of its own for each service: an App of many Charts costs more than its parts. */
const synthService = (
  exports: AppSpec["exports"],
  service: ServiceSpec,
  tenant: TenantContext
): ReadonlyArray<Manifest> => {
  const chart = new Chart(new PlainApp(), "service", { disableResourceNameHashes: true })
  const labels = serviceLabels(service, tenant)
  const named = (name: string) => ({ name, namespace: namespaceOf(tenant), labels: { ...labels } })
  const environment = environmentOf(service, tenant)
  const { secret } = environment
  const marks = writeMarks({
    internal: service.visibility === "internal",
    links: linksOf(service),
    externals: externalsOf(service, tenant.stage).flatMap((each) =>
      each.isLink ? [externalMark(each.service, placeOfApp(each, tenant))] : []
    ),
    exports: [...new Set(exports[service.name]?.to)].sort(),
    mayCallInternet: service.egress === "internet",
    paused: tenant.pausedServices.has(service.name)
  })

  const objects: ReadonlyArray<ApiObject> = [
    new KubeServiceAccount(chart, "account", {
      metadata: named(service.name),
      automountServiceAccountToken: false,
      // Here and not in the template: credentials that come or go make no new revision.
      ...(tenant.pullSecret ? { imagePullSecrets: [{ name: pullSecretName }] } : {})
    }),
    ...(secret === undefined ? [] : [secretObject(chart, named(secret.name), secret, tenant)]),
    new KubeNetworkPolicy(chart, "policy", {
      metadata: named(service.name),
      spec: policyOf(service, tenant.stage, tenant)
    }),
    new KnativeService(chart, "service", {
      metadata: {
        ...named(service.name),
        labels: { ...gatewayLabels(labels), ...marks.labels },
        annotations: marks.annotations
      },
      spec: { template: revisionTemplateOf(service, tenant, labels, environment) }
    })
  ]
  const made = objects.map((object): Manifest => object.toJson())
  const patches = service.manifests ?? []
  return patches.length === 0 ? made : made.map((manifest) => patched(manifest, patches, tenant.manifestRules ?? []))
}

/** A Secret without values, or an ExternalSecret from which the External Secrets Operator makes one. */
const secretObject = (
  chart: Chart,
  metadata: ApiObjectMetadata & { readonly labels: Readonly<Record<string, string>> },
  { name, parts }: NonNullable<Environment["secret"]>,
  tenant: TenantContext
): ApiObject => {
  if (tenant.externalSecrets === undefined) {
    return new KubeSecret(chart, "secret", {
      metadata: { ...metadata, annotations: { [annotation.secretParts]: writeParts(parts) } },
      type: "Opaque"
    })
  }
  // The operator's Secret is not one of those that the server applies.
  const { "app.kubernetes.io/managed-by": _, ...labels } = metadata.labels
  return new ExternalSecret(chart, "secret", {
    metadata,
    spec: externalSecretSpec(tenant.externalSecrets, tenant, { labels, name, parts })
  })
}

/** Kourier tells the authorizer a host's visibility among the labels of its Knative Service, which win: none of the user's has that name. */
const gatewayLabels = ({ client, visibility, ...labels }: Readonly<Record<string, string>>) => labels
