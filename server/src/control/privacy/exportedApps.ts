import { type ExportedTable, number, text } from "./ExportedTable.ts"

/** The tables of an organization's apps that an export contains. */
export const appTables: ReadonlyArray<ExportedTable> = [
  {
    type: "app",
    table: "app_stages",
    key: [text("app"), text("stage")],
    fields: {
      app: "t.app",
      stage: "t.stage",
      deployments: "t.last_number",
      inventory: "t.inventory",
      rolledOutAt: "t.rolled_out_at",
      rolloutError: "t.rollout_error",
      suspendedAt: "t.suspended_at",
      suspendedUntil: "t.suspended_until",
      suspendReason: "t.suspend_reason",
      suspendedByType: "t.suspended_by_type",
      suspendedBy: "t.suspended_by",
      createdAt: "t.created_at"
    }
  },
  {
    type: "service",
    table: "services",
    key: [text("id")],
    fields: {
      id: "t.id",
      app: "t.app",
      stage: "t.stage",
      name: "t.name",
      spec: "t.spec",
      secretVersions: "t.secret_versions",
      image: "t.pinned_image",
      paused: "t.paused",
      restartedAt: "t.restarted_at",
      restartedFrom: "t.restarted_from",
      deleting: "t.deleting",
      deployment: "t.deployment_number",
      status: "t.status",
      createdAt: "t.created_at",
      updatedAt: "t.updated_at"
    },
    rows: 100
  },
  {
    type: "deployment",
    table: "deployments",
    key: [text("id")],
    fields: {
      id: "t.id",
      app: "t.app",
      stage: "t.stage",
      number: "t.number",
      kind: "t.kind",
      fromDeployment: "t.from_number",
      createdByType: "t.created_by_type",
      createdBy: "t.created_by",
      message: "t.user_message",
      metadata: "t.metadata",
      status: "json_build_object('state', t.state, 'reason', t.reason, 'message', t.message)",
      spec: "t.spec",
      secretVersions: "t.secret_versions",
      externalSecrets: "t.external_secrets",
      images: "t.images",
      warnings: "t.warnings",
      forceConflicts: "t.force_conflicts",
      createdAt: "t.created_at",
      startedAt: "t.started_at",
      finishedAt: "t.finished_at"
    },
    rows: 100
  },
  {
    type: "deploymentService",
    table: "deployment_services",
    key: [text("deployment_id"), text("name")],
    fields: {
      deployment: "t.deployment_id",
      name: "t.name",
      action: "t.action",
      state: "t.state",
      revision: "t.revision",
      url: "t.url",
      reason: "t.reason",
      message: "t.message",
      logTail: "t.log_tail",
      diagnosis: "t.diagnosis"
    }
  },
  {
    type: "deploymentEvent",
    table: "deployment_events",
    key: [text("deployment_id"), number("id")],
    fields: {
      deployment: "t.deployment_id",
      id: "t.id",
      at: "t.at",
      type: "t.type",
      service: "t.service",
      reason: "t.reason",
      message: "t.message"
    }
  },
  {
    type: "manifests",
    table: "deployment_manifests",
    key: [text("deployment_id")],
    fields: { deployment: "t.deployment_id", manifests: "t.manifests", context: "t.context" },
    rows: 20
  },
  {
    type: "idempotencyKey",
    table: "keyed_requests",
    key: [text("caller"), text("operation"), text("key")],
    fields: {
      caller: "t.caller",
      operation: "t.operation",
      key: "t.key",
      made: "t.made",
      doneAt: "t.done_at",
      createdAt: "t.created_at"
    }
  },
  {
    type: "secret",
    table: "secrets",
    key: [text("app"), text("stage"), text("name")],
    fields: {
      app: "t.app",
      stage: "t.stage",
      name: "t.name",
      version: "t.version",
      isSet: "t.is_set",
      updatedAt: "t.updated_at",
      versions: `(select coalesce(json_agg(json_build_object(
          'version', v.version, 'createdAt', v.created_at, 'createdByType', v.created_by_type,
          'createdBy', v.created_by) order by v.version), '[]')
        from secret_versions v where v.organization_id = t.organization_id and v.app = t.app and v.stage = t.stage
          and v.name = t.name)`
    }
  },
  {
    type: "registry",
    table: "registry_credentials",
    key: [text("host")],
    fields: { host: "t.host", username: "t.username", updatedAt: "t.updated_at" }
  },
  {
    type: "imageAccess",
    table: "image_access",
    key: [text("reference"), text("image_id")],
    fields: { reference: "t.reference", imageId: "t.image_id", digest: "t.digest", checkedAt: "t.checked_at" }
  },
  {
    type: "object",
    table: "runtime_objects",
    key: [text("namespace"), text("kind"), text("name")],
    fields: { namespace: "t.namespace", kind: "t.kind", name: "t.name", manifest: "t.manifest", status: "t.status" },
    rows: 100
  },
  {
    type: "drift",
    table: "drift",
    key: [number("id")],
    fields: {
      id: "t.id",
      app: "t.app",
      stage: "t.stage",
      apiVersion: "t.api_version",
      kind: "t.kind",
      name: "t.name",
      change: "t.change",
      manager: "t.manager",
      fields: "t.fields",
      noticedAt: "t.noticed_at",
      healedAt: "t.healed_at"
    }
  },
  {
    type: "usage",
    table: "instances",
    key: [text("uid")],
    fields: {
      uid: "t.uid",
      app: "t.app",
      stage: "t.stage",
      service: "t.service",
      revision: "t.revision",
      instance: "t.instance",
      startedAt: "t.started_at",
      seenAt: "t.seen_at",
      endedAt: "t.ended_at",
      cpuMilli: "t.cpu_milli",
      memoryBytes: "t.memory_bytes"
    }
  }
]
