import type { Service } from "@maxcloud/sdk/api"
import { escapeHtml } from "../../../base/pages/escapeHtml.ts"

const row = (service: Service) =>
  `<tr><td>${service.status.url === null ? escapeHtml(service.name) : `<a href="${escapeHtml(service.status.url)}">${escapeHtml(service.name)}</a>`}</td><td>${escapeHtml(service.app)}</td><td>${escapeHtml(service.stage)}</td><td>${escapeHtml(service.status.state)}</td><td>${service.status.instances}</td><td><code>${escapeHtml(service.status.latestReadyRevision ?? "none yet")}</code></td></tr>`

/** A page that lists the running services. */
export const landingPage = (organization: string, services: ReadonlyArray<Service>, hasMore: boolean): string =>
  [
    `<h1>max-cloud</h1><p class="soft">Organization ${escapeHtml(organization)} · <a href="/api/docs">API reference</a> · <a href="/metrics">metrics</a></p>`,
    services.length === 0
      ? "<p>No services yet: <code>maxcloud deploy --name hello nginx:latest</code> creates one.</p>"
      : `<table><tr><th>Service</th><th>App</th><th>Stage</th><th>State</th><th>Instances</th><th>Serving revision</th></tr>${services.map(row).join("")}</table>${hasMore ? "<p>There are more: <code>maxcloud list</code> shows them.</p>" : ""}`
  ].join("\n")

/** The page for visitors without a credential. */
export const closedLandingPage = (publicUrl: string): string =>
  `<h1>max-cloud</h1><p class="soft"><a href="/api/docs">API reference</a> · <a href="/auth/sign-in">Sign in</a></p><p>Every request to this server needs a credential: <code>maxcloud auth login --api-url ${escapeHtml(publicUrl)}</code></p>`
