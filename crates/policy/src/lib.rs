//! The judge: Cedar schema, requests, three answers, and the shell classifier.
