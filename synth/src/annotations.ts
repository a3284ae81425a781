/** The names of labels and annotations. `TemplateAnnotations` and `readMarks` define their values. */
export const label = {
  organization: "maxcloud.dev/organization",
  /** On namespaces, added at apply. Names can be reused, ids never are. */
  organizationId: "maxcloud.dev/organization-id",
  app: "maxcloud.dev/app",
  stage: "maxcloud.dev/stage",
  service: "maxcloud.dev/service",
  /** Knative's, for a revision's settings. */
  revision: "serving.knative.dev/revision",
  /** Knative's, on a Knative Service: `cluster-local` if it isn't reachable from outside. */
  visibility: "networking.knative.dev/visibility"
} as const

export const annotation = {
  /** On a Knative Service's template: the digest of the source snapshot to run. The image is then only a name. */
  sourceDigest: "maxcloud.dev/source-digest",
  /** On a Knative Service's template: the service's folder inside the snapshot, if the snapshot is cut from a workspace. */
  sourcePackage: "maxcloud.dev/source-package",
  /** On a Knative Service's template: the source's build as JSON (`build` of the AppSpec). Default: its own `build` script. */
  sourceBuild: "maxcloud.dev/source-build",
  /** On a Knative Service's template: the absolute folder to run in place (`maxcloud dev`). */
  sourceDirectory: "maxcloud.dev/source-directory",
  /** On a Knative Service's template: the script of its package.json that runs the folder instead of a deploy's command. */
  sourceScript: "maxcloud.dev/source-script",
  /** On a Knative Service's template: `auto` if the image defines the port. The manifest's port applies if nobody inspects the image. */
  port: "maxcloud.dev/port",
  /**
   * On a Knative Service's template: `any-answer` if the config declares no liveness probe. The manifest's probe is then a TCP connection; the local
   * runtime restarts an instance that doesn't answer at all.
   */
  liveness: "maxcloud.dev/liveness",
  /** On a Knative Service's template: the time of its last restart (RFC 3339). A new value creates a new revision of the same program. */
  restartedAt: "maxcloud.dev/restarted-at",
  /** On a Knative Service's template: `drain` and `grace` of the AppSpec, if it has other values than their defaults. Knative copies them to pods. */
  drain: "maxcloud.dev/drain",
  grace: "maxcloud.dev/grace",
  /**
   * On a Secret: JSON `{ [dataKey]: Array<string | { secret, version }> }`, the parts that are joined at apply. The stored Secret has no `data`.
   */
  secretParts: "maxcloud.dev/secret-parts",
  /** On a Secret: `true` if its `data`, the organization's credentials for registries, is filled in at apply. The stored Secret has no data. */
  registryCredentials: "maxcloud.dev/registry-credentials",
  pullPeriod: "maxcloud.dev/pull-period",
  /**
   * On a Knative Service (not its template, because a link creates no revision): the services of its namespace that its pods may call, sorted and
   * separated by commas. The gateway's authorizer reads it.
   */
  links: "maxcloud.dev/links",
  linkVariables: "maxcloud.dev/link-variables",
  /**
   * On a Knative Service: services of other apps that its pods may call, as `<namespace>/<service>`, sorted and separated by commas. Each of them
   * must also name the caller's app in its `exports`. The gateway's authorizer reads both.
   */
  externals: "maxcloud.dev/external-links",
  /** On a Knative Service: apps of the same organization that may call it, sorted and separated by commas. */
  exports: "maxcloud.dev/exports",
  /** On a Knative Service: `internet` if its pods may call public hosts. The gateway's authorizer reads it. */
  egress: "maxcloud.dev/egress",
  /** On a Knative Service: `"true"` if it is paused, so that the gateway responds with 503. */
  paused: "maxcloud.dev/paused",
  /** Knative's, on a Knative Service's template: scaling, and the deadline of a start. */
  minScale: "autoscaling.knative.dev/min-scale",
  maxScale: "autoscaling.knative.dev/max-scale",
  target: "autoscaling.knative.dev/target",
  targetUtilization: "autoscaling.knative.dev/target-utilization-percentage",
  window: "autoscaling.knative.dev/window",
  progressDeadline: "serving.knative.dev/progress-deadline"
} as const
