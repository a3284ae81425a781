import type { Alert } from "./Alert.ts"

const serverLog =
  "The server's log (`kubectl -n maxcloud-system logs deployment/maxcloud-server`, or standard error) names the cause."

/** Alerts about the servers, their database and their work. */
export const serverAlerts: ReadonlyArray<Alert> = [
  {
    name: "MaxcloudServerDown",
    severity: "critical",
    expr: "absent(maxcloud_ready)",
    for: "5m",
    summary: "No max-cloud server reports metrics.",
    means:
      "Every server is down, or Prometheus can't reach one. Deployments, drift repair and the API stop. On Kubernetes, services keep running; on the local runtime they stop with the server.",
    confirm: [
      "`curl https://cloud.example.com/healthz` fails: the servers are down.",
      "It answers: Prometheus is refused. `/metrics` is open to other machines only with `MAXCLOUD_OPEN_METRICS=1`."
    ],
    fix: [
      "Start the server. Its first lines say why it can't start.",
      "`kubectl -n maxcloud-system describe pods -l app.kubernetes.io/name=maxcloud-server` shows a crash or a missing node.",
      "If a new version doesn't start, start the previous one again, unless its log says that the schema is newer."
    ],
    fires: { 'unrelated{instance="a"}': "1x90" },
    quiet: { 'maxcloud_ready{check="database",instance="a"}': "0x90" }
  },
  {
    name: "MaxcloudNotReady",
    severity: "critical",
    expr: 'min by (check) (maxcloud_ready{check=~"database|disk"}) == 0',
    for: "5m",
    summary: "A server's database or disk doesn't work.",
    means:
      "A check of `/readyz` has failed for 5 minutes. Without the database, the API answers 503. With a full disk, uploads get 507 and log lines are dropped. Services keep running.",
    confirm: ["`curl https://cloud.example.com/readyz` names the failed check, the cause and the fix.", serverLog],
    fix: [
      "`database`: start Postgres, or restore the network to it. The servers continue by themselves.",
      "`disk`: free some space, or enlarge the disk. `maxcloud server cache clear` removes what no service uses."
    ],
    fires: {
      'maxcloud_ready{check="database",instance="a"}': "0x90",
      'maxcloud_ready{check="disk",instance="a"}': "1x90"
    },
    labels: { check: "database" },
    quiet: {
      'maxcloud_ready{check="database",instance="a"}': "1x90",
      'maxcloud_ready{check="backups",instance="a"}': "0x90"
    }
  },
  {
    name: "MaxcloudApiErrors",
    severity: "critical",
    expr: 'sum(rate(maxcloud_http_requests_total{status=~"5..",route!="/readyz"}[5m])) / sum(rate(maxcloud_http_requests_total{route!="/readyz"}[5m])) > 0.05',
    for: "10m",
    summary: "More than 5 % of the API's answers are errors of the server.",
    means:
      "Clients see 500, 502 or 503. 503 has a reason that the server knows, such as an unreachable database. 500 is a bug.",
    confirm: [
      '`sum by (route, status) (rate(maxcloud_http_requests_total{status=~"5.."}[5m]))` shows which requests fail.',
      "`curl https://cloud.example.com/readyz` shows whether something that the server needs is down."
    ],
    fix: [
      "Fix what `/readyz` names.",
      "For 500, search the server's log for the request id of an answer (`x-request-id`), and report the bug with that entry."
    ],
    fires: {
      'maxcloud_http_requests_total{route="/api/v1/services",status="200",method="GET"}': "0+60x90",
      'maxcloud_http_requests_total{route="/api/v1/services",status="503",method="GET"}': "0+6x90"
    },
    quiet: {
      'maxcloud_http_requests_total{route="/api/v1/services",status="200",method="GET"}': "0+60x90",
      'maxcloud_http_requests_total{route="/api/v1/services",status="500",method="GET"}': "0+1x90",
      'maxcloud_http_requests_total{route="/readyz",status="503",method="GET"}': "0+60x90"
    }
  },
  {
    name: "MaxcloudApiSlow",
    severity: "warning",
    expr: "histogram_quantile(0.95, sum by (le) (rate(maxcloud_http_request_duration_seconds_bucket[10m]))) > 2",
    for: "15m",
    summary: "One in twenty API requests takes over 2 seconds.",
    means: "The commands and the console feel slow. Usually the database is slow or all of its connections are in use.",
    confirm: [
      "`histogram_quantile(0.95, sum by (le, route) (rate(maxcloud_http_request_duration_seconds_bucket[10m])))` shows the slow routes.",
      "`process_cpu_seconds_total` and `nodejs_eventloop_lag_p99_seconds` show whether the process itself is busy."
    ],
    fix: [
      "Look for slow statements and locks in Postgres (`pg_stat_activity`).",
      "Give the server more processor time, or start another server.",
      "If one organization sends most requests, lower its rate or its quotas."
    ],
    fires: {
      'maxcloud_http_request_duration_seconds_bucket{le="2.5"}': "0+0x90",
      'maxcloud_http_request_duration_seconds_bucket{le="5"}': "0+60x90",
      'maxcloud_http_request_duration_seconds_bucket{le="+Inf"}': "0+60x90"
    },
    quiet: {
      'maxcloud_http_request_duration_seconds_bucket{le="1"}': "0+60x90",
      'maxcloud_http_request_duration_seconds_bucket{le="5"}': "0+61x90",
      'maxcloud_http_request_duration_seconds_bucket{le="+Inf"}': "0+61x90"
    }
  },
  {
    name: "MaxcloudQueueStuck",
    severity: "critical",
    expr: "max(maxcloud_work_queue_oldest_seconds) > 120",
    for: "5m",
    summary: "Deployments wait, and no server takes them.",
    means:
      "Work has been due for over two minutes. New deployments stay `queued`, and drift isn't repaired. Each organization belongs to one server, so the others may be fine.",
    confirm: [
      "`/readyz` of the servers names the check `queue`.",
      '`maxcloud_leases_held{work="deployments"}` is 0 everywhere: no server works. At its limit everywhere: all are busy.'
    ],
    fix: [
      "Look in the log for `the queue of deployments`: a database that refuses statements stops the loop until it works again.",
      "Restart the server that holds no lease. Accepted deployments are never lost.",
      "If all are busy, start another server."
    ],
    fires: { 'maxcloud_work_queue_oldest_seconds{instance="a"}': "0+60x90" },
    quiet: { 'maxcloud_work_queue_oldest_seconds{instance="a"}': "20x90" }
  },
  {
    name: "MaxcloudQueueLong",
    severity: "warning",
    expr: "min_over_time(max(maxcloud_work_queue_depth)[30m:1m]) > 200",
    for: "5m",
    summary: "More than 200 stages have been waiting for half an hour.",
    means: "The servers take work, but slower than it arrives. Deployments take longer than usual.",
    confirm: [
      "`sum by (result) (rate(maxcloud_reconcile_total[5m]))` shows how much the servers do.",
      "`maxcloud_rollout_stages` shows whether changed settings are being rolled out: then it ends by itself."
    ],
    fix: [
      "Start another server.",
      "Find out who deploys so often (`maxcloud server audit list`), and set a quota of deployments an hour."
    ],
    fires: { 'maxcloud_work_queue_depth{instance="a"}': "400x90" },
    quiet: { 'maxcloud_work_queue_depth{instance="a"}': "400x40 10x50" }
  },
  {
    name: "MaxcloudReconcileFails",
    severity: "warning",
    expr: 'sum(increase(maxcloud_reconcile_total{result=~"retry|failed"}[15m])) > 5 and sum(rate(maxcloud_reconcile_total{result=~"retry|failed"}[15m])) / sum(rate(maxcloud_reconcile_total[15m])) > 0.2',
    for: "15m",
    summary: "More than a fifth of the passes over apps fail.",
    means:
      "The servers can't apply what is declared, and back off. `failed` means that the database or the server itself broke; `retry` that the cluster refused or didn't answer.",
    confirm: ["`sum by (result) (rate(maxcloud_reconcile_total[15m]))` shows which of the two.", serverLog],
    fix: [
      "`retry`: check `maxcloud_cluster_reachable`, then run `maxcloud cluster check`: a missing right or webhook refuses objects.",
      "`failed`: check the database. If it's fine, report the error in the log as a bug."
    ],
    fires: {
      'maxcloud_reconcile_total{result="done",instance="a"}': "0+4x90",
      'maxcloud_reconcile_total{result="failed",instance="a"}': "0+2x90"
    },
    quiet: {
      'maxcloud_reconcile_total{result="done",instance="a"}': "0+40x90",
      'maxcloud_reconcile_total{result="failed",instance="a"}': "0+1x90"
    }
  },
  {
    name: "MaxcloudReconcileSlow",
    severity: "warning",
    expr: "histogram_quantile(0.9, sum by (le) (rate(maxcloud_reconcile_duration_seconds_bucket[15m]))) > 10",
    for: "15m",
    summary: "One in ten passes over an app takes over 10 seconds.",
    means: "Each server works on few apps at a time, so slow passes delay everybody's deployments.",
    confirm: [
      "Compare with the API server's own latency (`apiserver_request_duration_seconds`) and with Postgres.",
      "`maxcloud_watch_age_seconds` and the log show whether the connection to the cluster stalls."
    ],
    fix: [
      "Fix the slower of the two: the cluster's API server (often etcd's disk or a slow admission webhook), or Postgres."
    ],
    fires: {
      'maxcloud_reconcile_duration_seconds_bucket{le="10"}': "0+1x90",
      'maxcloud_reconcile_duration_seconds_bucket{le="30"}': "0+10x90",
      'maxcloud_reconcile_duration_seconds_bucket{le="+Inf"}': "0+10x90"
    },
    quiet: {
      'maxcloud_reconcile_duration_seconds_bucket{le="10"}': "0+10x90",
      'maxcloud_reconcile_duration_seconds_bucket{le="30"}': "0+10x90",
      'maxcloud_reconcile_duration_seconds_bucket{le="+Inf"}': "0+10x90"
    }
  },
  {
    name: "MaxcloudDeploymentsFail",
    severity: "warning",
    expr: 'sum(increase(maxcloud_deployments_finished_total{outcome="failed"}[1h])) > 5 and sum(increase(maxcloud_deployments_finished_total{outcome="failed"}[1h])) / sum(increase(maxcloud_deployments_finished_total[1h])) > 0.5',
    for: "10m",
    summary: "Most deployments of the last hour failed.",
    means:
      "One app that is deployed again and again with the same mistake can cause it, but so can a registry, a full cluster or a broken webhook, for everybody.",
    confirm: [
      "`topk(5, sum by (code) (increase(maxcloud_diagnoses_total[1h])))` shows the reasons.",
      "`maxcloud deployments list` of an affected organization shows whether it's one app."
    ],
    fix: [
      "Run `maxcloud explain CODE` for the most frequent code: it says whether the operator or the app's owner can fix it.",
      "Run `maxcloud cluster check`."
    ],
    fires: {
      'maxcloud_deployments_finished_total{outcome="failed",instance="a"}': "0+1x90",
      'maxcloud_deployments_finished_total{outcome="succeeded",instance="a"}': "0+0x90"
    },
    quiet: {
      'maxcloud_deployments_finished_total{outcome="failed",instance="a"}': "0+1x90",
      'maxcloud_deployments_finished_total{outcome="succeeded",instance="a"}': "0+5x90"
    }
  },
  {
    name: "MaxcloudPlatformDiagnoses",
    severity: "warning",
    expr: 'sum by (code) (increase(maxcloud_diagnoses_total{code=~"Unschedulable|RegistryUnreachable|RegistryUntrusted|AdmissionRefused|PodSecurityRefused|VolumeFailed|RuntimeClassMissing|Evicted|IngressNotReady|WakeFailed|ClusterUnreachable|BuilderMissing|NoContainerEngine"}[30m])) > 3',
    for: "5m",
    summary: "Services fail for a reason that the operator can fix.",
    means: "Several services got the same diagnosis within half an hour, and it's one that their owners can't change.",
    confirm: ["The alert's label `code` is the diagnosis. `maxcloud explain CODE` says what it means."],
    fix: [
      "`Unschedulable`, `Evicted`: add nodes, or lower requests and quotas.",
      "`RegistryUnreachable`, `RegistryUntrusted`: check the registry and the network from the nodes.",
      "`IngressNotReady`, `WakeFailed`: look at Kourier and at Knative's activator (`kubectl -n knative-serving get pods`).",
      "The others: follow `maxcloud explain CODE`, and run `maxcloud cluster check`."
    ],
    fires: { 'maxcloud_diagnoses_total{code="Unschedulable",instance="a"}': "0+1x90" },
    labels: { code: "Unschedulable" },
    quiet: {
      'maxcloud_diagnoses_total{code="CrashOnStart",instance="a"}': "0+1x90",
      'maxcloud_diagnoses_total{code="Unschedulable",instance="a"}': "1x90"
    }
  },
  {
    name: "MaxcloudDriftNotHealed",
    severity: "warning",
    expr: "sum(increase(maxcloud_drift_found_total[30m])) > 0 unless sum(increase(maxcloud_drift_healed_total[30m])) > 0",
    for: "30m",
    summary: "Somebody changed objects of max-cloud, and nothing was reverted.",
    means:
      "What runs isn't what is declared. Either the servers can't apply, or another field manager holds the field.",
    confirm: [
      "`maxcloud drift` of the affected app shows the objects, who changed them, and what isn't reverted yet.",
      serverLog
    ],
    fix: [
      'Check `maxcloud_reconcile_total{result="retry"}`: the cluster may refuse to apply.',
      "Stop the tool that owns the field, or deploy with `--force` to take it back."
    ],
    fires: {
      'maxcloud_drift_found_total{change="edited",instance="a"}': "0+1x90",
      'maxcloud_drift_healed_total{instance="a"}': "0x90"
    },
    quiet: {
      'maxcloud_drift_found_total{change="edited",instance="a"}': "0+1x90",
      'maxcloud_drift_healed_total{instance="a"}': "0+1x90"
    }
  },
  {
    name: "MaxcloudDriftFight",
    severity: "warning",
    expr: "sum(increase(maxcloud_drift_found_total[1h])) > 30",
    for: "10m",
    summary: "Something keeps changing objects of max-cloud.",
    means:
      "Another controller and max-cloud undo each other's changes. The server waits longer each time, so objects are wrong for up to a minute.",
    confirm: [
      "`maxcloud events --type 'drift.*' --follow` names the app, its stage and the object, for the organization of your credential.",
      "`maxcloud drift --app APP` shows the field manager and the field."
    ],
    fix: [
      "Exclude the namespaces of max-cloud from that tool (label `app.kubernetes.io/managed-by: maxcloud`).",
      "For a hotfix by hand, `maxcloud suspend --app APP --for 1h --reason TEXT` stops the repair for that time.",
      "If the change is wanted, put it into the app's config or into the operator's manifests."
    ],
    fires: { 'maxcloud_drift_found_total{change="edited",instance="a"}': "0+1x90" },
    quiet: { 'maxcloud_drift_found_total{change="edited",instance="a"}': "0+1x20 20x70" }
  },
  {
    name: "MaxcloudLeasesLost",
    severity: "warning",
    expr: "sum by (work) (increase(maxcloud_leases_lost_total[15m])) > 0",
    for: "5m",
    summary: "A server lost the lease on its work.",
    means:
      "The database didn't renew the lease in time, or other servers took this one for dead. Another server takes over, so nothing is lost, but it shows a server or a database that stalls.",
    confirm: [
      "The log says `Stopping work` with the reason.",
      "`nodejs_eventloop_lag_max_seconds` shows whether the process stood still."
    ],
    fix: [
      "Check the latency of Postgres, and a failover at that time.",
      "Give the server more processor time: a process that gets none for 30 s loses its leases.",
      "Behind a pooler, use sessions (PgBouncer: `pool_mode = session`)."
    ],
    fires: { 'maxcloud_leases_lost_total{work="deployments",instance="a"}': "0x82 1x10" },
    labels: { work: "deployments" },
    quiet: { 'maxcloud_leases_lost_total{work="deployments",instance="a"}': "1x90" }
  },
  {
    name: "MaxcloudNoLeases",
    severity: "warning",
    expr: 'min_over_time(max(maxcloud_work_queue_depth)[10m:1m]) > 0 and on() max_over_time(sum(maxcloud_leases_held{work="deployments"})[10m:1m]) == 0',
    for: "20m",
    summary: "There is work, but no server holds a lease on any.",
    means:
      "For half an hour the queue wasn't empty, and at each scrape no server worked. Work that waits for its time is normal for a moment, not for this long.",
    confirm: [
      "`maxcloud_work_queue_oldest_seconds` says whether the work is due.",
      "`maxcloud deployments list` shows what waits."
    ],
    fix: ["Restart the servers one after the other.", "If work stays, report a bug with the log of the last hour."],
    fires: {
      'maxcloud_work_queue_depth{instance="a"}': "3x90",
      'maxcloud_leases_held{work="deployments",instance="a"}': "0x90"
    },
    quiet: {
      'maxcloud_work_queue_depth{instance="a"}': "3x90",
      'maxcloud_leases_held{work="deployments",instance="a"}': "0 1 0 0 1x86"
    }
  },
  {
    name: "MaxcloudBackgroundFailures",
    severity: "warning",
    expr: "sum by (task) (increase(maxcloud_background_failures_total[15m])) > 5",
    for: "10m",
    summary: "A background task keeps failing.",
    means:
      "The label `task` names it, for example the delivery of webhooks or the recording of usage. It's retried with growing pauses.",
    confirm: ["The log has the first failure of each kind, with its cause. Further ones are only counted."],
    fix: ["Fix the cause that the log names. A task needs no restart: it works again by itself, and says so."],
    fires: { 'maxcloud_background_failures_total{task="usage",instance="a"}': "0+1x90" },
    labels: { task: "usage" },
    quiet: { 'maxcloud_background_failures_total{task="usage",instance="a"}': "0x40 1x50" }
  },
  {
    name: "MaxcloudBackupMissing",
    severity: "warning",
    expr: "max(maxcloud_backup_age_seconds) > 129600 or max(maxcloud_backup_failing) == 1",
    for: "1h",
    summary: "The embedded database has no recent backup.",
    means:
      "The last automatic backup failed, or the newest is older than 36 hours. A damaged disk would cost more than a day of data.",
    confirm: ["`/readyz` says why in the check `backups`. The log has each failure."],
    fix: [
      "Free space on the disk of the backups: 1 GiB must stay free.",
      "If the log names a damaged table, see [a damaged database](../operating.md#a-damaged-database).",
      "Until it's fixed, run `maxcloud server backup --out FILE`."
    ],
    fires: {
      'maxcloud_backup_age_seconds{instance="a"}': "200000x90",
      'maxcloud_backup_failing{instance="a"}': "0x90"
    },
    quiet: { 'maxcloud_backup_age_seconds{instance="a"}': "50000x90", 'maxcloud_backup_failing{instance="a"}': "0x90" }
  },
  {
    name: "MaxcloudRolloutFailed",
    severity: "warning",
    expr: 'max(maxcloud_rollout_stages{state="failed"}) > 0',
    for: "1h",
    summary: "The platform's newest settings couldn't be applied everywhere.",
    means: "Some stages still run with older settings, such as an older runtime class or older policies.",
    confirm: ["`maxcloud cluster rollout` lists these stages, with the reason of each."],
    fix: ["Fix the reason. The server retries with pauses of up to an hour, and at its next start."],
    fires: { 'maxcloud_rollout_stages{state="failed",instance="a"}': "2x120" },
    quiet: { 'maxcloud_rollout_stages{state="pending",instance="a"}': "2x120" }
  }
]
