import { label, type Manifest } from "@maxcloud/synth"
import { managedLabel, serverAccount, serverUser, systemNamespace } from "../../runtimes/kubeApi/systemNames.ts"
import { tenantRole } from "./clusterRoles.ts"

const api = "admissionregistration.k8s.io/v1"
const isOurs = (object: string) =>
  `has(${object}.metadata.labels) && 'app.kubernetes.io/managed-by' in ${object}.metadata.labels && ` +
  `${object}.metadata.labels['app.kubernetes.io/managed-by'] == 'maxcloud'`

interface Validation {
  readonly expression: string
  readonly message: string
}

const policy = (
  name: string,
  rule: { readonly apiGroups: ReadonlyArray<string>; readonly resources: ReadonlyArray<string> },
  validations: ReadonlyArray<Validation>
): ReadonlyArray<Manifest> => [
  {
    apiVersion: api,
    kind: "ValidatingAdmissionPolicy",
    metadata: { name, labels: { ...managedLabel } },
    spec: {
      failurePolicy: "Fail",
      matchConstraints: {
        resourceRules: [{ ...rule, apiVersions: ["v1"], operations: ["CREATE", "UPDATE", "DELETE"] }]
      },
      matchConditions: [{ name: "by-the-server", expression: `request.userInfo.username == '${serverUser}'` }],
      validations
    }
  },
  {
    apiVersion: api,
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name, labels: { ...managedLabel } },
    spec: { policyName: name, validationActions: ["Deny"] }
  }
]

/**
 * Rules that RBAC can't express (Kubernetes, "Validating Admission Policy"): the server writes only namespaces with our
 * label, and binds only itself, only in those. So its right to make namespaces and bindings gives it no power over other
 * namespaces. With a prefix, the name alone distinguishes a tenant's namespace from the cluster's, including later ones.
 */
export const admissionPolicies = (prefix: string): ReadonlyArray<Manifest> => [
  ...policy("maxcloud-server-namespaces", { apiGroups: [""], resources: ["namespaces"] }, [
    {
      expression: `request.operation == 'CREATE' || (${isOurs("oldObject")})`,
      message: "max-cloud's server can't change a namespace that it didn't create"
    },
    {
      expression: `request.operation == 'DELETE' || (${isOurs("object")})`,
      message: "max-cloud's server can only create namespaces with the label app.kubernetes.io/managed-by=maxcloud"
    },
    {
      expression:
        "request.operation == 'DELETE' || ('pod-security.kubernetes.io/enforce' in object.metadata.labels && " +
        "object.metadata.labels['pod-security.kubernetes.io/enforce'] in ['baseline', 'restricted'])",
      message: "max-cloud's server can only create namespaces that enforce Pod Security"
    },
    {
      expression: `request.operation == 'DELETE' || '${label.organizationId}' in object.metadata.labels`,
      message: `max-cloud's server can only create namespaces with the label ${label.organizationId}`
    },
    {
      // If somebody removed the label, the server must be able to put it back.
      expression:
        `request.operation != 'UPDATE' || !('${label.organizationId}' in oldObject.metadata.labels) || ` +
        `oldObject.metadata.labels['${label.organizationId}'] == object.metadata.labels['${label.organizationId}']`,
      message: "max-cloud's server can't give a namespace to another organization"
    },
    ...(prefix === ""
      ? []
      : [
          {
            expression: `(request.operation == 'DELETE' ? oldObject : object).metadata.name.startsWith('${prefix}')`,
            message: `max-cloud's server can only write namespaces whose name begins with ${prefix}`
          }
        ])
  ]),
  ...policy("maxcloud-server-bindings", { apiGroups: ["rbac.authorization.k8s.io"], resources: ["rolebindings"] }, [
    {
      expression: isOurs("namespaceObject"),
      message: "max-cloud's server can't bind roles in a namespace that it didn't create"
    },
    ...(prefix === ""
      ? []
      : [
          {
            expression: `namespaceObject.metadata.name.startsWith('${prefix}')`,
            message: `max-cloud's server can only bind roles in namespaces whose name begins with ${prefix}`
          }
        ]),
    {
      expression:
        `request.operation == 'DELETE' || (object.metadata.name == '${serverAccount}' && ` +
        `object.roleRef.kind == 'ClusterRole' && object.roleRef.name == '${tenantRole.name}' && ` +
        `object.subjects.all(s, s.kind == 'ServiceAccount' && s.name == '${serverAccount}' && s.namespace == '${systemNamespace}'))`,
      message: `max-cloud's server can only bind ${tenantRole.name}, and only to itself`
    }
  ])
]
