export type MessageType =
	| "upload_started"
	| "upload_progress"
	| "upload_completed"
	| "upload_failed"
	| "job_progress"
	| "job_completed";
