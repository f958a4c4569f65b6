package groups;

import ca.uhn.fhir.rest.server.RestfulServer;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/** Serves a HAPI server on a loopback port and prints {@code READY <base URL>} when it listens. */
final class Serving {
    static final String HOST = "127.0.0.1";
    static final String PATH = "/fhir";

    private Serving() {}

    static void serve(RestfulServer fhir, String[] arguments) throws Exception {
        Server server = new Server();
        ServerConnector connector = new ServerConnector(server);
        connector.setHost(HOST);
        connector.setPort(port(arguments));
        server.addConnector(connector);
        ServletContextHandler context = new ServletContextHandler();
        ServletHolder holder = new ServletHolder(fhir);
        holder.setInitOrder(0); // HAPI initialises at the start, not at the first request
        context.addServlet(holder, PATH + "/*");
        server.setHandler(context);
        server.start();
        System.out.println("READY http://" + HOST + ":" + connector.getLocalPort() + PATH);
        System.out.flush();
        server.join();
    }

    private static int port(String[] arguments) {
        return arguments.length == 2 && arguments[0].equals("--port")
                ? Integer.parseInt(arguments[1])
                : 0;
    }
}
