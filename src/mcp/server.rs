//! The protocol's requests, each handed to what answers it.

use std::sync::Arc;

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, GetPromptRequestParams, GetPromptResponse, Implementation,
        ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
        PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
        ResourceUpdatedNotificationParam, ServerCapabilities, ServerConfig, SubscribeRequestParams,
        SubscriptionFilter, Tool as Described, UnsubscribeRequestParams,
    },
    service::{NotificationContext, RequestContext, SubscriptionContext},
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    call::{self, Arguments, Call, words},
    client, prompts,
    resources::{self, Place},
    session::Session,
    tools::{TOOLS, Tool},
    watch::{self, Watched},
};
use crate::{
    model::{Code, Fault},
    tasks::Tasks,
};

/// What a client tells its model of this server as a whole.
const INSTRUCTIONS: &str = "Wheelhouse keeps what this team and its agents know: memories (facts, gotchas, how things are done) and \
    decisions with their reasons. Before you start on a task, when something fails, and before you decide, look with \
    memory_search; read what fits with memory_get. When you learn something that will be needed again, save it with memory_add, one \
    thing at a time. When a choice is made that others will ask about, record it with decision_record, and later its outcome.";

pub struct Server {
    session: Arc<Session>,
    watched: Arc<Watched>,
    tasks: Tasks,
    /// Cancelled when the client is gone, or the hub goes.
    ended: CancellationToken,
}

type Context = RequestContext<RoleServer>;

impl Server {
    pub fn new(session: Arc<Session>, tasks: Tasks, ended: CancellationToken) -> Server {
        Server { session, watched: Arc::default(), tasks, ended }
    }

    async fn call(&self, context: &Context) -> Result<Call, Fault> {
        let client = client::name(context);
        let caller = match client::asked_by(context) {
            Some(caller) => client::through(caller, client),
            None => self.session.caller(client),
        };
        let (door, project) = tokio::join!(self.session.door(), self.session.project(context));
        Ok(Call { session: self.session.clone(), door: door?, caller, project })
    }
}

/// A fault where the protocol has no room for one of a tool.
fn error(fault: &Fault) -> ErrorData {
    let data = Some(json!(fault));
    match fault.code {
        Code::NotFound => ErrorData::resource_not_found(words(fault), data),
        Code::Invalid => ErrorData::invalid_params(words(fault), data),
        _ => ErrorData::internal_error(words(fault), data),
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let can = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_prompts()
            .build();
        let name = Implementation::new("wheelhouse", env!("CARGO_PKG_VERSION"))
            .with_title("Wheelhouse")
            .with_description(env!("CARGO_PKG_DESCRIPTION"));
        ServerConfig::new(can).with_server_info(name).with_instructions(INSTRUCTIONS)
    }

    async fn on_roots_list_changed(&self, _: NotificationContext<RoleServer>) {
        self.session.roots_changed().await;
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(TOOLS.iter().map(Tool::described).collect()))
    }

    fn get_tool(&self, name: &str) -> Option<Described> {
        Tool::find(name).map(Tool::described)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: Context,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = Tool::find(&request.name) else {
            let hint = Tool::near(&request.name).map(|meant| format!("; did you mean {meant}?"));
            let unknown = format!("unknown tool: {}{}", request.name, hint.unwrap_or_default());
            return Err(ErrorData::invalid_params(unknown, None));
        };
        let call = match self.call(&context).await {
            Ok(call) => call,
            Err(fault) => return Ok(call::result(Err(fault), self.session.clock().id()).into()),
        };
        let answer = call::answered(tool.run(&call, Arguments::new(request.arguments))).await;
        Ok(call::result(answer, call.caller.correlation).into())
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        let cursor = request.and_then(|request| request.cursor);
        let listed = async { resources::list(&self.call(&context).await?, cursor.as_deref()).await };
        listed.await.map_err(|fault| error(&fault))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(resources::templates()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let read = async { resources::read(&self.call(&context).await?, &request.uri).await };
        read.await.map(Into::into).map_err(|fault| error(&fault))
    }

    async fn subscribe(&self, request: SubscribeRequestParams, context: Context) -> Result<(), ErrorData> {
        let subscribed = async {
            let call = self.call(&context).await?;
            let is_first = self.watched.add(&call, &request.uri).await?;
            Ok(is_first.then_some(call))
        };
        let first = subscribed.await.map_err(|fault: Fault| error(&fault))?;
        if let Some(call) = first {
            let (watched, ended, peer) = (self.watched.clone(), self.ended.clone(), context.peer);
            self.tasks.spawn(async move {
                let tell = |uri: String| {
                    let told = ResourceUpdatedNotificationParam::new(uri);
                    let peer = peer.clone();
                    async move { peer.notify_resource_updated(told).await.is_ok() }
                };
                tokio::select! {
                    () = watch::follow(&call, &watched, tell) => {}
                    () = ended.cancelled() => {}
                }
            });
        }
        Ok(())
    }

    async fn unsubscribe(&self, request: UnsubscribeRequestParams, _: Context) -> Result<(), ErrorData> {
        self.watched.remove(&request.uri);
        Ok(())
    }

    /// Of what a client of the later versions wants to hear, the resources there can be.
    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        let uris = requested.resource_subscriptions.iter().flatten().filter(|uri| Place::parse(uri).is_ok());
        Some(SubscriptionFilter::builder().resource_subscriptions(uris.cloned().collect::<Vec<_>>()).build())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let call = self.call(context.request_context()).await.map_err(|fault| error(&fault))?;
        let watched = Watched::default();
        for uri in context.accepted().resource_subscriptions.iter().flatten() {
            if let Err(fault) = watched.add(&call, uri).await {
                tracing::debug!(%fault, uri, "a resource cannot be watched");
            }
        }
        let sink = context.sink();
        let tell = |uri: String| async move { sink.notify_resource_updated(uri).await.is_ok() };
        tokio::select! {
            () = watch::follow(&call, &watched, tell) => {}
            () = context.cancelled() => {}
            () = self.ended.cancelled() => {}
        }
        Ok(())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(prompts::list()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: Context,
    ) -> Result<GetPromptResponse, ErrorData> {
        let got = prompts::get(&request.name, request.arguments.as_ref());
        got.map(Into::into).map_err(|fault| ErrorData::invalid_params(words(&fault), Some(json!(fault))))
    }
}
