{{- define "group-gateway.name" -}}
group-gateway
{{- end }}

{{- /* A Service's name: a letter first, no dots, and room for what is added to it. */}}
{{- define "group-gateway.fullname" -}}
{{- $name := .Release.Name | replace "." "-" }}
{{- if .Values.fullnameOverride }}
{{- $name = .Values.fullnameOverride }}
{{- else if regexMatch "^[0-9]" $name }}
{{- $name = printf "group-gateway-%s" $name }}
{{- else if not (contains "group-gateway" $name) }}
{{- $name = printf "%s-group-gateway" $name }}
{{- end }}
{{- regexReplaceAll "-+$" (trunc 52 $name) "" }}
{{- end }}

{{- define "group-gateway.selectorLabels" -}}
app.kubernetes.io/name: {{ include "group-gateway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
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
{{- if .Values.metricsPort }}
{{- $_ := set $settings "admin_port" (.Values.metricsPort | int) }}
{{- end }}
{{- range $name := keys $settings | sortAlpha }}
{{- $value := index $settings $name }}
GROUP_GATEWAY_{{ upper $name }}: {{ if kindIs "float64" $value }}{{ $value | toJson | quote }}{{ else }}{{ $value | toString | quote }}{{ end }}
{{- end }}
{{- end }}

{{- /* The value of a setting, wherever the values have it: env goes before secrets, secrets before settings. */}}
{{- define "group-gateway.setting" -}}
{{- $value := get .Values.settings .name }}
{{- if hasKey (.Values.secretSettings | default dict) .name }}
{{- $value = get .Values.secretSettings .name }}
{{- end }}
{{- range .Values.env }}
{{- if eq .name (printf "GROUP_GATEWAY_%s" (upper $.name)) }}
{{- $value = .value }}
{{- end }}
{{- end }}
{{- toString (default "" $value) }}
{{- end }}

{{- /* Seconds that the gateway takes to finish requests under way, as its server does. */}}
{{- define "group-gateway.drainSeconds" -}}
{{- $deadline := include "group-gateway.setting" (dict "Values" .Values "name" "deadline") }}
{{- max 30 (add 10 (ceil ($deadline | default "20" | float64))) }}
{{- end }}

{{- /* The least grace period in which no request is lost. */}}
{{- define "group-gateway.graceNeeded" -}}
{{- add .Values.preStopSeconds (include "group-gateway.drainSeconds" .) }}
{{- end }}

{{- define "group-gateway.gracePeriod" -}}
{{- .Values.terminationGracePeriodSeconds | default (add 10 (include "group-gateway.graceNeeded" .)) | int }}
{{- end }}

{{- /* The ports that the addresses in the values name, as a JSON list: where the gateway calls. */}}
{{- define "group-gateway.calledPorts" -}}
{{- $urls := list .Values.redis.url }}
{{- range list .Values.settings (.Values.secretSettings | default dict) }}
{{- range $name, $value := pick . "upstream_url" "jwt_keys_url" "service_token_url" "cache_url" }}
{{- $urls = append $urls $value }}
{{- end }}
{{- end }}
{{- range .Values.env }}
{{- if regexMatch "^(OTEL_EXPORTER_OTLP_|GROUP_GATEWAY_(UPSTREAM|JWT_KEYS|SERVICE_TOKEN|CACHE)_URL$)" .name }}
{{- $urls = append $urls .value }}
{{- end }}
{{- end }}
{{- $defaults := dict "http" 80 "https" 443 "redis+sentinel" 26379 "rediss+sentinel" 26379 "valkey+sentinel" 26379 "valkeys+sentinel" 26379 }}
{{- $ports := list 443 (int .Values.networkPolicy.redisPort) }}
{{- range $urls }}
{{- $parts := regexFindAll "^[a-z+]+|://[^/?#]*" (toString (default "" .)) -1 }}
{{- if eq (len $parts) 2 }}
{{- range regexFindAll "[^,]+" (trimPrefix "://" (last $parts)) -1 }}
{{- with regexFind ":[0-9]+$" . }}
{{- $ports = append $ports (trimPrefix ":" . | int) }}
{{- else }}
{{- with get $defaults (first $parts) }}
{{- $ports = append $ports . }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- $ports | uniq | toJson }}
{{- end }}
