import { escapedJson } from "@maxcloud/config-schema/plain"

/**
 * A value as JSON that YAML readers take too. YAML refuses some characters that JSON allows unescaped in texts (YAML 1.2, 5.1), and
 * Kubernetes reads a server-side apply as YAML.
 */
export const jsonForYaml = (value: unknown): string =>
  escapedJson(JSON.stringify(value), /[\u007f-\u009f\ufeff\ufffe\uffff]/g)
