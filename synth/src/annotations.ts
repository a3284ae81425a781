/** The only places that spell labels and annotations. `TemplateAnnotations` and `readMarks` say what their values mean. */
export const label = {
  organization: "maxcloud.dev/organization",
  /** On namespaces, put there at apply: names may be given again, ids never are. */
  organizationId: "maxcloud.dev/organization-id",
  app: "maxcloud.dev/app",
  stage: "maxcloud.dev/stage",
  service: "maxcloud.dev/service",
  /** Knative's, for a revision's settings. */
  revision: "serving.knative.dev/revision",
  /** Knative's, on a Knative Service: `cluster-local` if it can't be reached from outside. */
  visibility: "networking.knative.dev/visibility"
} as const

export const annotation = {
  /** On a Knative Service's template: digest of the source snapshot to run. Its image is then only a name. */
  sourceDigest: "maxcloud.dev/source-digest",
  /** On a Knative Service's template: the folder inside the snapshot that is the service, if the snapshot is cut from a workspace. */
  sourcePackage: "maxcloud.dev/source-package",
  /** On a Knative Service's template: JSON of how the source is built (`build` of the AppSpec). Without it: its own `build` script. */
  sourceBuild: "maxcloud.dev/source-build",
  /** On a Knative Service's template: absolute folder to run in place (`maxcloud dev`). */
  sourceDirectory: "maxcloud.dev/source-directory",
  /** On a Knative Service's template: the script of its package.json that runs the folder, instead of the command that a deploy would start. */
  sourceScript: "maxcloud.dev/source-script",
  /** On a Knative Service's template: `auto` if the image names its port. The manifest's own port applies if nobody inspects the image. */
  port: "maxcloud.dev/port",
  /**
   * On a Knative Service's template: `any-answer` if the config declares no liveness probe. The manifest's own is a TCP connection then; the local
   * runtime restarts an instance that gives no answer at all.
   */
  liveness: "maxcloud.dev/liveness",
  /** On a Knative Service's template: when it was restarted last (RFC 3339). A new value makes a new revision of the same program. */
  restartedAt: "maxcloud.dev/restarted-at",
  /**
   * On a Secret: JSON `{ [dataKey]: Array<string | { secret, version }> }`, the parts whose values are put together at apply.
   * The Secret itself has no `data` at rest.
   */
  secretParts: "maxcloud.dev/secret-parts",
  /** On a Secret: `true` if its `data`, the organization's credentials for registries, is filled in at apply. At rest it has no data. */
  registryCredentials: "maxcloud.dev/registry-credentials",
  /**
   * On a Knative Service (not its template: a link makes no revision): the services of its namespace that its pods may call, sorted,
   * by commas. The gateway's authorizer reads it.
   */
  links: "maxcloud.dev/links",
  /**
   * On a Knative Service: services of other apps that its pods may call, as `<namespace>/<service>`, sorted, by commas. Each of them has to
   * name the caller's app in its `exports`, too. The gateway's authorizer reads both.
   */
  externals: "maxcloud.dev/external-links",
  /** On a Knative Service: apps of the same organization whose pods may call it, sorted, by commas. */
  exports: "maxcloud.dev/exports",
  /** On a Knative Service: `internet` if its pods may call public hosts. The gateway's authorizer reads it. */
  egress: "maxcloud.dev/egress",
  /** On a Knative Service: `"true"` if it is stopped, so that the gateway answers for it with 503. */
  paused: "maxcloud.dev/paused",
  /** Knative's, on a Knative Service's template: how it is scaled, and how long a start may take. */
  minScale: "autoscaling.knative.dev/min-scale",
  maxScale: "autoscaling.knative.dev/max-scale",
  target: "autoscaling.knative.dev/target",
  targetUtilization: "autoscaling.knative.dev/target-utilization-percentage",
  window: "autoscaling.knative.dev/window",
  progressDeadline: "serving.knative.dev/progress-deadline"
} as const
