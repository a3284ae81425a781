import {
  type AppSpec,
  atOnce,
  externalsOf,
  linksOf,
  linkVariablesOf,
  type ServiceSpec,
  type Turns
} from "@maxcloud/config-schema"
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
import { usesPullSecret, writeParts } from "./secretParts.ts"
import { writeMarks } from "./serviceMarks.ts"
import { sorted } from "./sorted.ts"
import type { TenantContext } from "./tenant.ts"

/**
 * All objects of an app in its namespace, sorted. Each service has a Knative Service, a ServiceAccount and a NetworkPolicy. If it uses
 * secrets, it also has a Secret without values, or an ExternalSecret if the tenant's secrets come from a store. Applies the config's `manifests` as
 * far as the tenant's rules allow. Pure: equal input gives equal bytes. `synthNamespace` creates the namespace's own objects. Call `missingSecrets`
 * and `hostProblems` first: a secret without a version throws.
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

/** A separate App and Chart for each service, because an App with many Charts costs more than its parts. */
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
    linkVariables: linkVariablesOf(service),
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
      // Here and not in the template, so that adding or removing credentials creates no revision.
      ...(usesPullSecret(tenant) ? { imagePullSecrets: [{ name: pullSecretName }] } : {})
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

/** A Secret without values, or an ExternalSecret, from which the External Secrets Operator creates one. */
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
  // The server doesn't apply the operator's Secret.
  const { "app.kubernetes.io/managed-by": _, ...labels } = metadata.labels
  return new ExternalSecret(chart, "secret", {
    metadata,
    spec: externalSecretSpec(tenant.externalSecrets, tenant, { labels, name, parts })
  })
}

/** Kourier sends a host's visibility to the authorizer among the labels of its Knative Service, which take precedence, so drop a user's label of that name. */
const gatewayLabels = ({ client, visibility, ...labels }: Readonly<Record<string, string>>) => labels
