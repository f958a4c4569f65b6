{{- define "group-gateway.name" -}}
group-gateway
{{- end }}

{{- define "group-gateway.fullname" -}}
{{- if contains "group-gateway" .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-group-gateway" .Release.Name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "group-gateway.selectorLabels" -}}
app.kubernetes.io/name: {{ include "group-gateway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "group-gateway.labels" -}}
{{ include "group-gateway.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "group-gateway.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "group-gateway.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "group-gateway.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- /* The settings as variables: what is not secret. An integer must not become 1e+06. */}}
{{- define "group-gateway.environment" -}}
{{- $settings := omit .Values.settings "upstream_url" }}
{{- if .Values.sandbox }}
{{- $_ := set $settings "graphiql" true }}
{{- else }}
{{- $_ := set $settings "upstream_url" (required "settings.upstream_url is required: the base URL of the FHIR server." .Values.settings.upstream_url) }}
{{- end }}
{{- if .Values.redis.url }}
{{- $_ := set $settings "cache_url" .Values.redis.url }}
{{- end }}
{{- if .Values.audit.enabled }}
{{- $_ := set $settings "audit_file" "/var/log/group-gateway/audit.jsonl" }}
{{- end }}
{{- if .Values.metricsPort }}
{{- $_ := set $settings "admin_port" (.Values.metricsPort | int) }}
{{- end }}
{{- range $name := keys $settings | sortAlpha }}
{{- $value := index $settings $name }}
GROUP_GATEWAY_{{ upper $name }}: {{ if kindIs "float64" $value }}{{ $value | toJson | quote }}{{ else }}{{ $value | toString | quote }}{{ end }}
{{- end }}
{{- end }}
